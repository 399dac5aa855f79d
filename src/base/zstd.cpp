#include "base/zstd.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/assert.h"

namespace lazaret::base {
namespace {

/// zstd's own default: some hundred megabytes a second on one core.
constexpr int kLevel = 3;

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Status damaged(std::string_view why) {
  return {Code::BAD_REQUEST, "the body is said to be zstd, and cannot be opened: " + std::string(why)};
}

}  // namespace

std::optional<std::string> zstd_compressed(std::string_view body) {
  thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  LZ_ASSERT(context != nullptr);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string out(body.size(), '\0');
  const std::size_t size = ZSTD_compress2(context.get(), out.data(), out.size(), body.data(), body.size());
  if (ZSTD_isError(size) != 0 || size >= body.size()) return std::nullopt;
  out.resize(size);
  out.shrink_to_fit();
  return out;
}

/// Grows with what comes out, not with what the frame promises.
Result<std::string> zstd_opened(std::string_view body, std::size_t most) {
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  LZ_ASSERT(context != nullptr);
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  std::string out;
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  std::size_t left = 1;  // of the frame, as zstd says; 0 at its end
  while (in.pos < in.size || left != 0) {
    const std::size_t before = out.size();
    // One byte beyond shows that there is more.
    out.resize(std::min(before + std::max(before, ZSTD_DStreamOutSize()), most + 1));
    ZSTD_outBuffer to{out.data(), out.size(), before};
    left = ZSTD_decompressStream(context.get(), &to, &in);
    out.resize(to.pos);
    if (ZSTD_isError(left) != 0) return damaged(ZSTD_getErrorName(left));
    if (out.size() > most) {
      return Status(Code::MESSAGE_TOO_LARGE,
                    "the body is compressed, and has more than " + std::to_string(most) + " bytes when it is opened")
          .with_limit("max_message_bytes", static_cast<std::int64_t>(most));
    }
    const bool stuck = out.size() == before && in.pos == in.size && left != 0;
    if (stuck) return damaged("it ends too early");
  }
  return out;
}

}  // namespace lazaret::base
