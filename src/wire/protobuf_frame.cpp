#include "wire/protobuf_frame.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

namespace lazaret::wire {

bool has_fields_at_most(std::string_view message, std::size_t most) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  std::size_t fields = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (++fields > most || !WireFormatLite::SkipField(&in, tag)) return false;
  }
  return in.ConsumedEntireMessage();
}

}  // namespace lazaret::wire
