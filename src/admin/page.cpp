#include "admin/page.h"

#include <algorithm>

#include "admin/handlers.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// Nothing from elsewhere, nothing written into the document, no frame around it.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

Response serve(const Request& request, const PageFile& file, std::string_view cache) {
  const bool gzip = accepts_encoding(request.accept_encoding, "gzip");
  const std::string tag = "\"" + std::string(file.hash) + (gzip ? "-gzip\"" : "\"");
  Response response{200, std::string(file.content_type), "", {}};
  response.headers = {{"ETag", tag},
                      {"Cache-Control", std::string(cache)},
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy", std::string(kPolicy)},
                      {"Cross-Origin-Opener-Policy", "same-origin"}};
  if (request.if_none_match == "*" || request.if_none_match.find(tag) != std::string::npos) {
    response.status = 304;
    response.content_type = "";
    return response;
  }
  response.body = gzip ? file.gzipped : file.bytes;
  if (gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

Result<Response> serve_named(const Request& request, std::string_view name, std::string_view cache) {
  const auto files = page_files();
  const auto found =
      std::find_if(files.begin(), files.end(), [name](const PageFile& file) { return file.name == name; });
  if (found == files.end()) return Status(Code::NOT_FOUND, "the page has no file " + std::string(name));
  return serve(request, *found, cache);
}

}  // namespace

Result<Response> get_page(Broker&, const Request& request) { return serve_named(request, "", "no-cache"); }

/// Their names change with what they hold.
Result<Response> get_page_file(Broker&, const Request& request) {
  if (request.arguments[0].empty()) return Status(Code::NOT_FOUND, "the page has no file without a name");
  return serve_named(request, request.arguments[0], "public, max-age=31536000, immutable");
}

}  // namespace lazaret::admin
