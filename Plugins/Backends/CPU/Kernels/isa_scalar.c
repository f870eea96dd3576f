// Portable C: what every processor runs.
#define AV_LEVEL 0
#include "table_level.h"
const av_table av_table_scalar = AV_TABLE;
