/* Plug-ins: monitors that are not part of the tree. A plug-in is a shared object, or a command that speaks JSON Lines;
 * both run in a process of their own, so that whatever they do (crash, hang, flood, talk nonsense) is one message here.
 * docs/plugins.md has the protocol, the rules of the ABI and what it costs. */
#ifndef MIDSTREAM_PLUGIN_H
#define MIDSTREAM_PLUGIN_H

#include "monitor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a shared object exports -------------------------------------------------------------------------------- */

/** Raised whenever mid_monitor_ops, or a struct that its functions see, is laid out anew. */
#define MID_PLUGIN_ABI 2u

/** The one symbol of a plug-in that is a shared object. Its functions may call the library.
 *  @param abi  of the program that asks. @return static; NULL unless abi is the MID_PLUGIN_ABI it was compiled with. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const mid_monitor_ops *mid_plugin_monitor(uint32_t abi);

/* ---- using a plug-in --------------------------------------------------------------------------------------------- */

typedef struct mid_plugin mid_plugin;

typedef struct mid_plugin_opts {
    size_t size;
    uint32_t timeout_ms;            /* for one answer of the plug-in; starting up may take 6 times as long, learning 60
                                       times; 0: 5000 */
    const char *host;               /* runs a shared object, as HOST plugin-host FILE.so; NULL: "midstream" */
} mid_plugin_opts;
MID_API mid_plugin_opts mid_plugin_opts_default(void);

/**
 * Start a plug-in, ask what it is, and end it again; a mid_monitor of it runs a process of its own.
 *
 * @param what  a path that ends in ".so", else a command for the shell: "python3 my_monitor.py"
 * @param opts  NULL: all defaults
 * @param[out] out  owned; close it after everything made from it
 * @return MID_ENOTFOUND for a shared object that is not there; MID_EPLUGIN with one line that names the plug-in and
 *         what it did or said; MID_EINVAL; MID_ENOMEM
 */
MID_API mid_status mid_plugin_open(mid_ctx *ctx, const char *what, const mid_plugin_opts *opts, mid_plugin **out);
MID_API void mid_plugin_close(mid_plugin *plugin);
/** The plug-in's monitor, for use wherever the registry's are. Borrowed; lives as long as the plug-in. To name it in
 *  plans and fitted files: mid_ctx_add_monitor(). Its start and push return MID_EPLUGIN when the plug-in breaks, and
 *  ever after: mid_stream_trouble() says how. Streams can be saved and restored: it is given the tokens again. */
MID_API const mid_monitor_ops *mid_plugin_ops(const mid_plugin *plugin);

/** Be the process that a shared object runs in: answer the protocol on standard input and output until end of file.
 *  What the plug-in prints goes to standard error. For a program's own "plugin-host".
 *  @return MID_OK at end of file; MID_EPLUGIN, after having said so in the protocol; MID_EIO */
MID_API mid_status mid_plugin_host(mid_ctx *ctx, const char *path);

#ifdef __cplusplus
}
#endif
#endif
