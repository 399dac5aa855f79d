// A list as one text: how a list is given in the environment and with --set, and how lists of the file come to the same
// setters.
//
// Items are separated by commas, and blanks around an item are not part of it: who writes `a, b` means two names. What
// stands behind a backslash is part of the item, whatever it is: `\,`, `\\`, or a blank at an end.
//
// Threading: plain functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lazaret::daemon {

/// Its items, in their order; those of which nothing is left are passed over.
std::vector<std::string> items_of(std::string_view text);
/// An item as it is written in such a text: `items_of` gives back what it is made of.
std::string item_text(std::string_view item);

}  // namespace lazaret::daemon
