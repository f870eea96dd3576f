"""Writes the pictures and hashes beside it. For developers only, see README.md: pip install pillow==10.4.0 numpy"""
from PIL import Image, PngImagePlugin
import numpy as np, io, hashlib, struct, zlib, sys, os
out=os.path.dirname(os.path.abspath(__file__))
os.makedirs(out+'/images',exist_ok=True)
def noise(n,seed):
    # x = x*1664525+1013904223 mod 2^32, the top byte of each
    x=seed; b=bytearray()
    for _ in range(n):
        x=(x*1664525+1013904223)&0xffffffff; b.append(x>>24)
    return bytes(b)
def sha(b): return hashlib.sha256(b).hexdigest()
F={'nearest':0,'lanczos':1,'bilinear':2,'bicubic':3,'box':4,'hamming':5}
lines=['# Pillow 10.4.0: source size, channels, target size, filter, SHA-256 of the pixels. The source is the noise of']
lines.append('# x = x * 1664525 + 1013904223 mod 2^32, from the seed width * 1000 + height; each byte is the top one of x.')
cases=[(1,1,7,5),(1,17,9,4),(17,1,4,9),(33,65,56,56),(65,33,21,64),(97,382,56,56),(382,97,224,56),(13,13,13,40),(13,13,40,13),(40,30,40,30),(200,3,7,3),(3,200,3,7),(64,64,1,1),(5,5,336,2),(255,129,128,64),(31,47,93,141),(101,99,100,98)]
for (w,h,nw,nh) in cases:
    for c in (3,4):
        for f in F:
            if c==4 and f not in('nearest','bicubic','bilinear'): continue
            if w*h>20000 and f in('box','hamming') : continue
            im=Image.frombytes('RGB' if c==3 else 'RGBA',(w,h),noise(w*h*c,w*1000+h))
            r=im.resize((nw,nh),F[f])
            lines.append(f'{w} {h} {c} {nw} {nh} {f} {sha(r.tobytes())}')
open(out+'/resize.txt','w').write('\n'.join(lines)+'\n')
# decoding
man=['# Pillow 10.4.0: file, width, height, channels, SHA-256 of the pixels (RGB by convert("RGB"); RGBA where there is alpha)']
def add(name,data,expect=None,channels=3):
    open(f'{out}/images/{name}','wb').write(data)
    if expect is None:
        im=Image.open(io.BytesIO(data)); im.load()
        expect=im.convert('RGB' if channels==3 else 'RGBA')
    man.append(f'{name} {expect.width} {expect.height} {channels} {sha(expect.tobytes())}')
def smooth(w,h,c):
    y,x=np.mgrid[0:h,0:w]
    a=np.stack([(127+120*np.sin(x/(5+3*k)+y/(9-k)+k)).clip(0,255) for k in range(c)],-1).astype(np.uint8)
    n=np.frombuffer(noise(w*h*c,7),np.uint8).reshape(h,w,c).astype(int)
    return (a.astype(int)+(n-128)//16).clip(0,255).astype(np.uint8)
def save(im,fmt,**k):
    b=io.BytesIO(); im.save(b,fmt,**k); return b.getvalue()
rgb=Image.fromarray(smooth(45,31,3)); rgba=Image.fromarray(smooth(45,31,4),'RGBA'); L=Image.fromarray(smooth(45,31,1)[:,:,0],'L'); cm=Image.fromarray(smooth(45,31,4),'CMYK')
for ss,n in ((0,'444'),(1,'422'),(2,'420')): add(f'baseline-{n}.jpg',save(rgb,'JPEG',quality=85,subsampling=ss))
add('progressive.jpg',save(rgb,'JPEG',quality=80,progressive=True))
add('optimised-restart.jpg',save(rgb,'JPEG',quality=80,optimize=True,restart_marker_blocks=2))
add('grey.jpg',save(L,'JPEG',quality=85))
add('grey-progressive.jpg',save(L,'JPEG',quality=85,progressive=True))
add('cmyk.jpg',save(cm,'JPEG',quality=90))
# YCCK: the same scan data announced as Adobe transform 2
d=bytearray(save(cm,'JPEG',quality=90)); i=d.find(b'Adobe'); 
assert i>0; d[i+11]=2; add('ycck.jpg',bytes(d))
add('rgb-adobe.jpg',save(rgb,'JPEG',quality=90,keep_rgb=True))
add('quant16.jpg',save(rgb,'JPEG',qtables=[[min(300,40+6*i) for i in range(64)],[min(300,40+7*i) for i in range(64)]]))
def chunk(t,b): return struct.pack('>I',len(b))+t+b+struct.pack('>I',zlib.crc32(t+b))
def png(w,h,depth,colour,rows,extra=b'',interlace=0):
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR',struct.pack('>IIBBBBB',w,h,depth,colour,0,0,interlace))+extra+chunk(b'IDAT',zlib.compress(rows,9))+chunk(b'IEND',b'')
def rows(a): # a: h x bytes
    return b''.join(b'\0'+bytes(r) for r in a)
def adam7(px,w,h):  # px: function(x,y)->bytes for byte-sized pixels
    o=b''
    for x0,y0,dx,dy in ((0,0,8,8),(4,0,8,8),(0,4,4,8),(2,0,4,4),(0,2,2,4),(1,0,2,2),(0,1,1,2)):
        for y in range(y0,h,dy):
            r=b''.join(px(x,y) for x in range(x0,w,dx))
            if r: o+=b'\0'+r
    return o
add('rgb.png',save(rgb,'PNG')); add('rgba.png',save(rgba,'PNG'),channels=4); add('grey.png',save(L,'PNG'))
LA=Image.fromarray(smooth(21,13,2),'LA'); add('grey-alpha.png',save(LA,'PNG'),channels=4)
for depth in (1,2,4):
    bw=(21*depth+7)//8
    add(f'grey{depth}.png',png(21,13,depth,0,rows(np.frombuffer(noise(bw*13,depth),np.uint8).reshape(13,bw))))
    pal=noise(3<<depth,99+depth)
    add(f'palette{depth}.png',png(21,13,depth,3,rows(np.frombuffer(noise(bw*13,depth),np.uint8).reshape(13,bw)),chunk(b'PLTE',pal)))
pal=noise(768,5)
p8=rows(np.frombuffer(noise(21*13,8),np.uint8).reshape(13,21))
add('palette8.png',png(21,13,8,3,p8,chunk(b'PLTE',pal)))
add('palette8-trns.png',png(21,13,8,3,p8,chunk(b'PLTE',pal)+chunk(b'tRNS',noise(100,6))),channels=4)
g=noise(21*13,8)
gt=png(21,13,8,0,p8,chunk(b'tRNS',struct.pack('>H',g[5]))); add('grey-trns.png',gt,channels=4)
c8=noise(21*13*3,9); r8=rows(np.frombuffer(c8,np.uint8).reshape(13,63))
add('rgb-trns.png',png(21,13,8,2,r8,chunk(b'tRNS',struct.pack('>HHH',*c8[30:33]))),channels=4)
n16=np.frombuffer(noise(21*13*8,10),np.uint8)
ramp=(np.arange(21*13,dtype=np.uint16)*3).astype('>u2').tobytes()
gr=np.frombuffer(ramp,np.uint8).reshape(13,42)
add('grey16.png',png(21,13,16,0,rows(gr)))
add('grey16-interlaced.png',png(21,13,16,0,adam7(lambda x,y: ramp[2*(y*21+x):2*(y*21+x)+2],21,13),interlace=1))
add('rgb16.png',png(21,13,16,2,rows(n16[:21*13*6].reshape(13,126))))
add('grey-alpha16.png',png(21,13,16,4,rows(n16[:21*13*4].reshape(13,84))),channels=4)
add('rgba16.png',png(21,13,16,6,rows(n16.reshape(13,168))),channels=4)
add('interlaced.png',png(21,13,8,2,adam7(lambda x,y: c8[3*(y*21+x):3*(y*21+x)+3],21,13),interlace=1))
add('interlaced-rgba.png',png(21,13,8,6,adam7(lambda x,y: n16.tobytes()[4*(y*21+x):4*(y*21+x)+4],21,13),interlace=1),channels=4)
add('profile-gamma.png',png(21,13,8,2,r8,chunk(b'gAMA',struct.pack('>I',100000))+chunk(b'sRGB',b'\0')+chunk(b'pHYs',struct.pack('>IIB',1,1,0))+chunk(b'tEXt',b'Comment\0hello')))
bomb=zlib.compress(bytes(20_000_000),9)
def plain(name,data): open(f'{out}/images/{name}','wb').write(data)
plain('bomb-text.png',png(21,13,8,2,r8,chunk(b'zTXt',b'a\0\0'+bomb)))
plain('bomb-profile.png',png(21,13,8,2,r8,chunk(b'iCCP',b'a\0\0'+bomb)))
plain('bomb-idat.png',png(1,1,8,2,bytes(5_000_000)))
add('one.png',save(Image.new('RGB',(1,1),(1,2,3)),'PNG'))
add('sliver-tall.png',save(Image.frombytes('RGB',(1,16384),bytes((i*7+i//251)%256 for i in range(16384*3))),'PNG',optimize=True))
add('sliver-wide.png',save(Image.new('RGB',(16384,1),(9,8,7)),'PNG',optimize=True))
add('lossy.webp',save(rgb,'WEBP',quality=80)); add('lossless.webp',save(rgb,'WEBP',lossless=True))
add('lossy-alpha.webp',save(rgba,'WEBP',quality=80),channels=4); add('lossless-alpha.webp',save(rgba,'WEBP',lossless=True,exact=True),channels=4)
fr=[Image.fromarray(smooth(30,20,3)),Image.new('RGB',(30,20),(200,0,0))]
b=io.BytesIO(); fr[0].save(b,'WEBP',save_all=True,append_images=fr[1:],duration=100,lossless=True); add('animated.webp',b.getvalue())
fr=[Image.fromarray(smooth(30,20,4),'RGBA'),Image.new('RGBA',(30,20),(200,0,0,9))]
b=io.BytesIO(); fr[0].save(b,'WEBP',save_all=True,append_images=fr[1:],duration=100,lossless=True,exact=True); 
im=Image.open(io.BytesIO(b.getvalue())); add('animated-alpha.webp',b.getvalue(),channels=4)
fr=[Image.fromarray(smooth(30,20,3)),Image.new('RGB',(30,20),(200,0,0))]
b=io.BytesIO(); fr[0].save(b,'PNG',save_all=True,append_images=fr[1:],duration=100); add('animated.png',b.getvalue())
# orientation
from PIL import ImageOps
small=Image.fromarray(smooth(11,7,3))
for o in range(1,9):
    e=Image.Exif(); e[0x10F]='camera'; e[0x112]=o
    for fmt,ext,k in (('JPEG','jpg',dict(quality=90,subsampling=0)),)+((('PNG','png',{}),('WEBP','webp',dict(lossless=True))) if o in (3,6) else ()):
        d=save(small,fmt,exif=e,**k)
        im=Image.open(io.BytesIO(d)); add(f'exif{o}.{ext}',d,ImageOps.exif_transpose(im).convert('RGB'))
open(out+'/decode.txt','w').write('\n'.join(man)+'\n')
