/* llama.cpp's server, on this machine only: a real one. */
#ifndef MID_TEST_PEER_H
#define MID_TEST_PEER_H

#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer { pid_t pid; int port; };

/* Its path, from $ENGINE, or skip. */
static inline const char *needs_peer(void)
{
    static char program[1024];
    const char *engine = getenv("ENGINE");

    snprintf(program, sizeof program, "%s/bin/llama-server", engine ? engine : "");
    if (access(program, X_OK) != 0) {
        print_message("skipped: no llama-server ($ENGINE/bin; scripts/setup peers)\n");
        skip();
    }
    test_model();
    return program;
}

/* Begins to load SmolLM2; says 503 until it has. */
static inline struct peer start_peer(void)
{
    const char *program = needs_peer();
    struct peer peer = { .port = 20000 + (int)(getpid() % 20000) };
    char port[16];

    snprintf(port, sizeof port, "%d", peer.port);
    peer.pid = fork();
    assert_true(peer.pid >= 0);
    if (peer.pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(127);
        execl(program, program, "-m", test_model(), "--host", "127.0.0.1", "--port", port, "-c", "2048", "-np", "1",
              "-t", "1", "--no-jinja", "--chat-template", "chatml", "--no-webui", "--offline", (char *)NULL);
        _exit(127);
    }
    return peer;
}

static inline void stop_peer(struct peer *peer)
{
    kill(peer->pid, SIGTERM);
    waitpid(peer->pid, NULL, 0);
}

#endif
