// The files of the page, in the binary: made from page/ while building (page/embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace lazaret::admin {

struct PageFile {
  std::string_view name;  // "3f2a….js"; "" for the document itself, which is what all places are answered with
  std::string_view content_type;
  std::string_view hash;  // of `bytes`
  std::string_view bytes;
  std::string_view gzipped;
};

std::span<const PageFile> page_files();

}  // namespace lazaret::admin
