#include "CSentencePieceShim.h"

#include <sentencepiece_processor.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

struct aviary_spm {
  sentencepiece::SentencePieceProcessor processor;
};

// No exception may cross into Swift, so every entry point catches all of them.

extern "C" aviary_spm *aviary_spm_load(const void *bytes, size_t count) try {
  auto model = std::make_unique<aviary_spm>();
  const auto status =
      model->processor.LoadFromSerializedProto(absl::string_view(static_cast<const char *>(bytes), count));
  return status.ok() ? model.release() : nullptr;
} catch (...) {
  return nullptr;
}

extern "C" void aviary_spm_free(aviary_spm *model) { delete model; }

extern "C" int64_t aviary_spm_encode(const aviary_spm *model, const char *text, size_t count, int32_t **ids) try {
  std::vector<int> found;
  if (!model->processor.Encode(absl::string_view(text, count), &found).ok()) return -1;
  *ids = static_cast<int32_t *>(std::malloc(found.size() * sizeof(int32_t) + 1));
  if (*ids == nullptr) return -1;
  static_assert(sizeof(int) == sizeof(int32_t), "ids are copied as they are");
  if (!found.empty()) std::memcpy(*ids, found.data(), found.size() * sizeof(int32_t));
  return static_cast<int64_t>(found.size());
} catch (...) {
  return -1;
}

extern "C" void aviary_spm_free_ids(int32_t *ids) { std::free(ids); }
