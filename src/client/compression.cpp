#include "client/compression.h"

#include "base/zstd.h"

namespace lazaret::detail {

using base::Status;

void compress_body(Message& message, std::size_t compress_from) {
  const bool wanted = message.compress || (compress_from > 0 && message.body.size() >= compress_from);
  if (!wanted || !message.content_encoding.empty()) return;
  auto smaller = base::zstd_compressed(message.body.view());
  if (!smaller) return;
  message.body = Body(std::move(*smaller));
  message.content_encoding = base::kZstd;
}

Status open_body(Message& message, std::size_t most) {
  if (message.content_encoding != base::kZstd) return {};
  auto body = base::zstd_opened(message.body.view(), most);
  if (!body.ok()) return body.status();
  message.body = Body(std::move(*body));
  message.content_encoding.clear();
  message.compress = true;
  return {};
}

}  // namespace lazaret::detail
