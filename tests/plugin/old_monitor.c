/* A plug-in made for an ABI that is not ours. */
#include <midstream.h>

const mid_monitor_ops *mid_plugin_monitor(uint32_t abi)
{
    (void)abi;
    return NULL;
}
