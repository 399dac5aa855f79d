#include "engine/thread_name.h"

#include <pthread.h>

namespace lazaret::engine {

void name_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

}  // namespace lazaret::engine
