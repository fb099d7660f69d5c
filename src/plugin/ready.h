/* What a plug-in says it is: its "ready". */
#ifndef MID_PLUGIN_READY_H
#define MID_PLUGIN_READY_H

#include "plugin/wire.h"

/* Into the descriptor, texts into room; fit is not touched. what: stands for its source when it names none.
 * @return what is missing or wrong; NULL: nothing. */
const char *mid__ready_read(mid__arena *room, yyjson_val *ready, const char *what, mid_monitor_ops *ops);

#endif
