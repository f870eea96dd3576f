#!/usr/bin/env python3
"""Records a run of ViP-LLaVA in Hugging Face's transformers as a golden case. Needs torch, transformers and Pillow.

    record.py CHECKPOINT PICTURE QUESTION CASE

CHECKPOINT is copied to CASE/model; what the original computes from it, in float32, goes beside it.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

checkpoint, picture, question, case = sys.argv[1:]
case = pathlib.Path(case)
shutil.copytree(checkpoint, case / "model")
shutil.copy(picture, case / "picture.png")

model = transformers.VipLlavaForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
vision = model.config.vision_config
side = {"shortest_edge": vision.image_size}
pictures = transformers.CLIPImageProcessor(size=side, crop_size={"height": vision.image_size, "width": vision.image_size})
tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(case / "model/tokenizer.json"), bos_token="<s>", eos_token="</s>")

# As the model's card has it, the marker once for every row of the picture.
rows = (vision.image_size // vision.patch_size) ** 2
system = ("A chat between a curious human and an artificial intelligence assistant. "
          "The assistant gives helpful, detailed, and polite answers to the human's questions.")
prompt = f"{system}###Human: {'<image>' * rows}\n{question}###Assistant:"
ids = torch.tensor([[tokenizer.bos_token_id] + tokenizer(prompt, add_special_tokens=False).input_ids])
pixels = pictures(Image.open(picture).convert("RGB"), return_tensors="pt").pixel_values

recorded = {"input_ids": ids[0], "pixel_values": pixels}


def keep(_, inputs, output):
    recorded["vision_features"], recorded["image_embeds"] = inputs[0], output


hook = model.model.multi_modal_projector.register_forward_hook(keep)
with torch.no_grad():
    recorded["logits"] = model(input_ids=ids, pixel_values=pixels).logits[0]
    hook.remove()
    answer = model.generate(
        input_ids=ids, pixel_values=pixels, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False,
        output_logits=True, return_dict_in_generate=True)
recorded["step_logits"] = torch.cat(answer.logits)
recorded["generated_ids"] = answer.sequences[0, ids.shape[1]:]

save_file({name: tensor.detach().contiguous() for name, tensor in recorded.items()}, case / "expected.safetensors")
content = [{"type": "image", "path": "picture.png"}, {"type": "text", "text": question}]
request = {"messages": [{"role": "user", "content": content}], "prompt": prompt, "max_tokens": 8, "temperature": 0}
expected = {"kind": "chat", "producer": f"transformers {transformers.__version__}, torch {torch.__version__}", "compute_dtype": "float32"}
for name, value in [("request", request), ("expected", expected)]:
    (case / f"{name}.json").write_text(json.dumps(value, indent=2) + "\n")
