// ShopProto: message types of protobuf as a shop might have them, their descriptors as protoc would write them, and
// bodies of them. Made by protobuf itself.
#pragma once

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace lazaret::testing {

class ShopProto {
 public:
  ShopProto() {
    google::protobuf::Any::descriptor()->file()->CopyTo(set_.add_file());
    google::protobuf::Timestamp::descriptor()->file()->CopyTo(set_.add_file());
    set_.add_file()->CopyFrom(file_of(kShop));
    for (const auto& file : set_.file()) {
      if (pool_.BuildFile(file) == nullptr) throw std::logic_error("cannot build " + file.name());
    }
    resolver_.reset(google::protobuf::util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_));
  }

  /// With what is imported, as --include_imports has it.
  const google::protobuf::FileDescriptorSet& set() const { return set_; }
  std::string descriptors() const { return set_.SerializeAsString(); }
  /// A body: "shop.Order", what it says.
  std::string encoded(const std::string& type, const std::string& json) const {
    std::string body;
    const auto done =
        google::protobuf::util::JsonToBinaryString(resolver_.get(), "type.googleapis.com/" + type, json, &body);
    if (!done.ok()) throw std::logic_error(done.ToString());
    return body;
  }

  /// From the text form of a descriptor.
  static google::protobuf::FileDescriptorProto file_of(const std::string& text) {
    google::protobuf::FileDescriptorProto file;
    if (!google::protobuf::TextFormat::ParseFromString(text, &file))
      throw std::logic_error("is no descriptor: " + text);
    return file;
  }

 private:
  static constexpr const char* kShop = R"(
      name: "shop.proto" package: "shop" syntax: "proto3"
      dependency: "google/protobuf/any.proto" dependency: "google/protobuf/timestamp.proto"
      enum_type { name: "State" value { name: "NEW" number: 0 } value { name: "PAID" number: 1 } }
      message_type { name: "Card"
        field { name: "number" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "month" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL } }
      message_type { name: "Item"
        field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "price_cents" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
        field { name: "picture" number: 3 type: TYPE_BYTES label: LABEL_OPTIONAL }
        field { name: "part" number: 4 type_name: "Item" label: LABEL_OPTIONAL } }
      message_type { name: "Order"
        field { name: "id" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
        field { name: "customer_name" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "card" number: 3 type_name: "Card" label: LABEL_OPTIONAL }
        field { name: "items" number: 4 type_name: "Item" label: LABEL_REPEATED }
        field { name: "state" number: 5 type_name: "State" label: LABEL_OPTIONAL }
        field { name: "labels" number: 6 type_name: "LabelsEntry" label: LABEL_REPEATED }
        field { name: "at" number: 7 type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
        field { name: "more" number: 8 type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
        field { name: "weight" number: 9 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
        field { name: "counts" number: 10 type: TYPE_INT32 label: LABEL_REPEATED }
        nested_type { name: "LabelsEntry" options { map_entry: true }
          field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
          field { name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } } }
      message_type { name: "Note"
        field { name: "text" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
        field { name: "any" number: 2 type: TYPE_BYTES label: LABEL_OPTIONAL } }
      message_type { name: "Both"
        field { name: "number" number: 6 type: TYPE_FIXED64 label: LABEL_OPTIONAL } }
      message_type { name: "Wrapped"
        field { name: "any" number: 2 type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL } })";

  google::protobuf::FileDescriptorSet set_;
  google::protobuf::DescriptorPool pool_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

}  // namespace lazaret::testing
