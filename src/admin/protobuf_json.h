// JSON of what a protobuf message is to say, held against its type before anything is made of it. What makes bytes of
// JSON takes more than what is written of bytes: names in another spelling, texts for numbers, another base64; and says
// of what it does not take hardly where. Here everything is as it is shown, or refused with its place.
//
// Threading: none of its own.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/type_resolver.h>

#include <cstddef>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace lazaret::admin {

/// Before the full name of a type, in an Any and for `resolver`.
inline constexpr std::string_view kAnyUrls = "type.googleapis.com/";

/// What a built message of this type takes in memory, about: itself and its place, and each field that it could have.
std::size_t built_bytes(const google::protobuf::Descriptor& type);

/// BAD_REQUEST naming the place, a JSON pointer, of: a name that its type has not, each in the spelling of the source;
/// a value of another kind or out of range; two members of one oneof; a type that no descriptor is given of. And for
/// what would take more than kProtobufBuiltBytes. `resolver` knows the types of `pool`.
base::Status check_protobuf_json(const google::protobuf::DescriptorPool& pool,
                                 google::protobuf::util::TypeResolver& resolver,
                                 const google::protobuf::Descriptor& type, const boost::json::value& says);

/// Whether what is `shown` of a message, as it is written of bytes, is what was `asked` for, each in any spelling that
/// is taken: a number may be a text, a time in another zone; what is not set, null, or what it is by itself is the
/// same. REQUIRES that check_protobuf_json has taken `asked`.
bool says_the_same(const google::protobuf::DescriptorPool& pool, google::protobuf::util::TypeResolver& resolver,
                   const google::protobuf::Descriptor& type, const boost::json::value& asked,
                   const boost::json::value& shown);

}  // namespace lazaret::admin
