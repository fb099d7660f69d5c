/* --plugin: monitors from outside the tree, opened before a verb begins and closed after it. */
#include "cli.h"

int cli_plugins_open(cli *c)
{
    mid_plugin_opts opts = mid_plugin_opts_default();
    mid_status status = MID_OK;
    size_t i;

    opts.host = "/proc/self/exe";               /* this program, as midstream plugin-host */
    if (c->args.plugin_timeout_s < 0 || c->args.plugin_timeout_s > 3600)
        return cli_usage(c, "--plugin-timeout %g: seconds, at most an hour", c->args.plugin_timeout_s);
    opts.timeout_ms = (uint32_t)(1e3 * c->args.plugin_timeout_s);
    for (i = 0; status == MID_OK && i < c->args.plugin.n; i++) {
        status = mid_plugin_open(c->ctx, c->args.plugin.at[i], &opts, &c->plugin[i]);
        if (status == MID_OK)
            status = mid_ctx_add_monitor(c->ctx, mid_plugin_ops(c->plugin[i]));
    }
    return cli_end(c, status);
}

void cli_plugins_close(cli *c)
{
    size_t i;

    for (i = 0; i < c->args.plugin.n; i++)
        mid_plugin_close(c->plugin[i]);
}
