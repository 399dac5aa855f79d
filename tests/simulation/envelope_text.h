// What stands for an envelope in the simulated world: "KEY", "KEY|TYPE" or "KEY|TYPE@SCHEMA", and
// behind any of them "#" and an id of sixteen characters.
#pragma once

#include <string_view>

namespace lazaret::simulation {

struct EnvelopeText {
  std::string_view key;
  std::string_view type;
  std::string_view schema_id;
  std::string_view id;
};

inline EnvelopeText envelope_text(std::string_view envelope) {
  const auto cut = [](std::string_view& text, char at) {
    const std::size_t place = text.find(at);
    const std::string_view behind = place == std::string_view::npos ? std::string_view() : text.substr(place + 1);
    text = text.substr(0, place);
    return behind;
  };
  EnvelopeText text;
  text.key = envelope;
  text.id = cut(text.key, '#');
  text.type = cut(text.key, '|');
  text.schema_id = cut(text.type, '@');
  return text;
}

}  // namespace lazaret::simulation
