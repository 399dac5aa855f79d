// What the broker's threads are called, for top and a debugger.
#pragma once

namespace lazaret::engine {

/// Names the calling thread, in at most 15 characters.
void name_thread(const char* name);

}  // namespace lazaret::engine
