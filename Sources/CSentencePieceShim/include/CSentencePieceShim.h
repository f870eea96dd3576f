#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A loaded SentencePiece model. Encoding does not change it: any number of threads may encode at once.
typedef struct aviary_spm aviary_spm;

/// Loads a serialised model; NULL where the library refuses it.
aviary_spm *aviary_spm_load(const void *bytes, size_t count);
void aviary_spm_free(aviary_spm *model);

/// Ids of a UTF-8 text. On success the caller owns `*ids` and gives it back with `aviary_spm_free_ids`.
/// Returns the number of ids, or -1 where the library failed.
int64_t aviary_spm_encode(const aviary_spm *model, const char *text, size_t count, int32_t **ids);
void aviary_spm_free_ids(int32_t *ids);

#ifdef __cplusplus
}
#endif
