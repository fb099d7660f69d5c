#include "midstream/guard.h"
mid_guard_opts mid_guard_opts_default(void) { return (mid_guard_opts){ .size = sizeof(mid_guard_opts) }; }
