/* A drift check that outlives a run. Ville's bound is about one capital that nobody ever fills up again, so what one
 * run has won and lost is where the next one begins: the whole state is written, and a check that was stopped and went
 * on is bit for bit one that never stopped.
 *   held      while a check is open it has PATH.lock (flock, which ends with the process, however it ends): two runs
 *             that both go on from the same state would have alpha each.
 *   written   beside it and renamed, so a killed run leaves the last whole state. What it heard later is forgotten
 *             whatever it was, which is one answer that did not come.
 *   bound     to a hash of all that a check is opened with, so evidence about one rule never counts for another.
 * The file: struct head, the prompts heard, the bag's scores in rising order; all little-endian, no padding. The CRC-32
 * covers everything behind it. The bag's tree is built anew: no result depends on its shape. */
#include "calibrate/drift_state.h"
#include "calibrate/rule_file.h"

#include "base/ctx.h"
#include "base/file.h"
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is a memory image of a little-endian machine");

enum { VERSION = 1, OF_BYTES = 68 };    /* a hash with its zero, rounded up to whole words */
enum { LIMIT_BYTES = 256 << 20 };       /* of a file that is read only to say that it is another check's */

struct head {
    char magic[4];
    uint32_t version, crc, n_bag;
    char of[OF_BYTES];
    uint32_t n_calibration;
    mid__drift_mind mind;
};

enum { CRC_FROM = offsetof(struct head, crc) + 4 };
_Static_assert(sizeof(mid__drift_mind) == 32 + 16 + 24 + 8 * MID__N_VIEW * MID__N_RATE * MID__N_SIDE + 8 &&
               sizeof(struct head) == 16 + OF_BYTES + 4 + sizeof(mid__drift_mind), "the file has no padding");

static size_t file_bytes(size_t n_bag) { return sizeof(struct head) + MID__PROMPT_N / 8 + n_bag * sizeof(double); }

mid_status mid__drift_pack(mid_ctx *ctx, const mid_drift *d, const char of[65], char **bytes, size_t *n)
{
    struct head head = { .magic = { 'M', 'I', 'D', 'S' }, .version = VERSION, .n_bag = mid__bag_n(d->bag),
                         .n_calibration = d->n_calibration, .mind = d->mind };
    char *at = malloc(file_bytes(head.n_bag)), *put = at;
    double score;
    uint32_t i;

    if (!at)
        return mid__oom(ctx, "a drift check's state");
    memcpy(head.of, of, 65);
    put = (char *)memcpy(put, &head, sizeof head) + sizeof head;
    put = (char *)memcpy(put, d->heard, sizeof d->heard) + sizeof d->heard;
    for (i = 0; i < head.n_bag; i++) {
        score = mid__bag_at(d->bag, i);
        put = (char *)memcpy(put, &score, sizeof score) + sizeof score;
    }
    *n = file_bytes(head.n_bag);
    head.crc = mid__crc32(at + CRC_FROM, *n - CRC_FROM);
    memcpy(at + offsetof(struct head, crc), &head.crc, sizeof head.crc);
    *bytes = at;
    return MID_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static mid_status check_head(mid_ctx *ctx, const char *bytes, size_t n, const char of[65], struct head *head)
{
    if (n < CRC_FROM || memcmp(bytes, "MIDS", 4) != 0)
        return mid__fail(ctx, MID_EFORMAT, "%zu bytes that do not begin as the state of a drift check (MIDS)", n);
    memcpy(head, bytes, n < sizeof *head ? n : sizeof *head);
    if (head->version != VERSION)
        return mid__fail(ctx, MID_EVERSION, "state of a drift check in format %u, and this midstream (%s) reads %d: "
                         "go on with the %s midstream that wrote it", head->version, MID_VERSION, VERSION,
                         head->version < VERSION ? "older" : "newer");
    if (n < sizeof *head || n != file_bytes(head->n_bag))
        return mid__fail(ctx, MID_EFORMAT, "state of a drift check cut short or too long: %zu bytes, want %zu", n,
                         n < sizeof *head ? sizeof *head : file_bytes(head->n_bag));
    if (mid__crc32(bytes + CRC_FROM, n - CRC_FROM) != head->crc)
        return mid__fail(ctx, MID_EFORMAT, "state of a drift check is damaged: its checksum is not %08x", head->crc);
    if (memchr(head->of, 0, OF_BYTES) != head->of + 64 || strcmp(head->of, of) != 0)
        return mid__fail(ctx, MID_EMISMATCH, "state of a drift check of something else (%.12s, this is %.12s): another "
                         "rule, other calibration answers, or another alpha; give each rule a file of its own",
                         head->of, of);
    return MID_OK;
}

/* Numbers that no check can have. */
static bool is_sound(const mid__drift_mind *m)
{
    const double *share = &m->share[0][0][0];
    double sum = 0;
    int i;

    for (i = 0; i < MID__N_VIEW * MID__N_RATE * MID__N_SIDE; i++) {
        if (!(share[i] >= 0))
            return false;
        sum += share[i];
    }
    return fabs(sum - 1) < 1e-6 && m->n_at_alarm <= m->n && m->shift < MID__N_SHIFT && isfinite(m->ln_capital) &&
           m->ln_capital_max >= m->ln_capital && isfinite(m->ln_capital_max) &&
           (m->n == 0 ? isnan(m->p) : m->p >= 0 && m->p <= 1);
}

/* The bag of a check that was just opened becomes that of the file. */
static mid_status take_bag(mid_ctx *ctx, const char *scores, const struct head *head, mid_drift *d)
{
    mid__rng rng;
    double score, last = -INFINITY;
    uint32_t i;

    for (i = 0; i < head->n_bag; i++, last = score) {
        memcpy(&score, scores + i * sizeof score, sizeof score);
        if (!(score >= last))
            return mid__fail(ctx, MID_EFORMAT, "state of a drift check: score %u of %u is out of order", i,
                             head->n_bag);
    }
    memset(d->bag, 0, ((size_t)d->n_room + 1) * sizeof *d->bag);
    mid__rng_init(&rng, 0, 0);
    for (i = 0; i < head->n_bag; i++) {
        memcpy(&score, scores + i * sizeof score, sizeof score);
        mid__bag_add(d->bag, i + 1, score, (uint32_t)(mid__rng_u64(&rng) >> 32));
    }
    return MID_OK;
}

mid_status mid__drift_unpack(mid_ctx *ctx, const void *bytes, size_t n, const char of[65], mid_drift *d)
{
    const char *heard = (const char *)bytes + sizeof(struct head);
    struct head head = { .version = 0 };
    uint64_t want;
    mid_status status = check_head(ctx, bytes, n, of, &head);

    if (status != MID_OK)
        return status;
    want = head.mind.n < d->n_room - d->n_calibration ? d->n_calibration + head.mind.n : d->n_room;
    if (!is_sound(&head.mind) || head.n_calibration != d->n_calibration || head.n_bag != want)
        return mid__fail(ctx, MID_EFORMAT, "state of a drift check with numbers that none can have");
    status = take_bag(ctx, heard + sizeof d->heard, &head, d);
    if (status != MID_OK)
        return status;
    memcpy(d->heard, heard, sizeof d->heard);
    d->mind = head.mind;
    return MID_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Of what a check was opened with, before it heard anything. */
static void identity(const char *of, const mid_drift *d, char hex[65])
{
    mid__sha256 sha;
    double score;
    uint32_t i;

    of = of ? of : "";
    mid__sha256_init(&sha);
    mid__sha256_put(&sha, of, strlen(of) + 1);
    mid__sha256_put(&sha, &d->alpha, sizeof d->alpha);
    mid__sha256_put(&sha, &d->n_room, sizeof d->n_room);
    for (i = 0; i < d->n_calibration; i++) {
        score = mid__bag_at(d->bag, i);
        mid__sha256_put(&sha, &score, sizeof score);
    }
    mid__sha256_hex(&sha, hex);
}

static mid_status hold(mid_ctx *ctx, mid__drift_file *file)
{
    const size_t n = strlen(file->path) + sizeof ".lock";
    char *path = malloc(n);
    mid_status status = MID_OK;

    if (!path)
        return mid__oom(ctx, file->path);
    snprintf(path, n, "%s.lock", file->path);
    file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file->lock_fd < 0)
        status = mid__fail(ctx, MID_EIO, "%s: cannot create: %s", path, strerror(errno));
    else if (flock(file->lock_fd, LOCK_EX | LOCK_NB) != 0)
        status = mid__fail(ctx, MID_EIO, errno == EWOULDBLOCK
                           ? "%s: another run goes on with this drift check; wait for it, since two at once would both "
                             "spend its alpha" : "%s: cannot lock", file->path);
    free(path);
    return status;
}

mid_status mid__drift_file_open(mid_ctx *ctx, const mid_drift_opts *opts, mid_drift *d)
{
    mid__drift_file *file = malloc(sizeof *file + strlen(opts->path) + 1);
    const size_t most = file_bytes(d->n_room);
    char *bytes = NULL;
    size_t n;
    mid_status status = MID_OK;

    if (!file)
        return mid__oom(ctx, opts->path);
    file->lock_fd = -1;
    memcpy(file->path, opts->path, strlen(opts->path) + 1);
    identity(opts->of, d, file->of);
    d->file = file;
    if (!opts->look_only)
        status = hold(ctx, file);
    if (status != MID_OK)
        return status;
    if (access(file->path, F_OK) != 0 && errno == ENOENT)       /* a beginning */
        return opts->look_only ? mid__fail(ctx, MID_ENOTFOUND, "%s is not there: nothing is known of drift", file->path)
                               : MID_OK;
    status = mid__file_read(ctx, file->path, most > LIMIT_BYTES ? most : LIMIT_BYTES, &bytes, &n);
    if (status != MID_OK)
        return status;
    status = mid__drift_unpack(ctx, bytes, n, file->of, d);
    if (status != MID_OK)
        mid__within(ctx, status, "%s", file->path);
    free(bytes);
    return status;
}

void mid__drift_file_close(mid__drift_file *file)
{
    if (file && file->lock_fd >= 0)
        close(file->lock_fd);
    free(file);
}

mid_status mid_drift_write(mid_ctx *ctx, const mid_drift *d)
{
    char *bytes;
    size_t n;
    mid_status status;

    if (!d->file || d->file->lock_fd < 0)
        return mid__fail(ctx, MID_EINVAL, "this drift check has no file to write: open it with a path, not look_only");
    status = mid__drift_pack(ctx, d, d->file->of, &bytes, &n);
    if (status == MID_OK) {
        status = mid__file_write(ctx, d->file->path, bytes, n);
        free(bytes);
    }
    return status;
}

/* A rule file's bytes without the words of its promises, which a later release may put otherwise. */
static mid_status pack_wordless(mid_ctx *ctx, const mid_rule_file *rule, void **bytes, size_t *n)
{
    mid_rule_file wordless = *rule;
    mid_status status;
    size_t i;

    wordless.at = malloc((rule->n + 1) * sizeof *wordless.at);
    if (!wordless.at)
        return mid__oom(ctx, "a drift check");
    memcpy(wordless.at, rule->at, rule->n * sizeof *rule->at);
    for (i = 0; i < rule->n; i++)
        if (rule->at[i].feasible)               /* otherwise they say why it cannot be packed */
            wordless.at[i].promise[0] = 0;
    status = mid_rule_file_pack(ctx, &wordless, bytes, n);
    free(wordless.at);
    return status;
}

mid_status mid_drift_open_rule(mid_ctx *ctx, const mid_rule_file *rule, const mid_drift_opts *given, mid_drift **out)
{
    const mid_rule_extremes *e = mid_rule_file_extremes(rule);
    mid_drift_opts opts = given ? *given : mid_drift_opts_default();
    char hex[65];
    void *bytes;
    mid__sha256 sha;
    size_t n;
    mid_status status = pack_wordless(ctx, rule, &bytes, &n);

    if (status != MID_OK)
        return status;
    mid__sha256_init(&sha);
    mid__sha256_put(&sha, bytes, n);
    mid__sha256_hex(&sha, hex);
    mid_free(bytes);
    opts.of = hex;
    return mid_drift_open(ctx, e->extreme, e->group, e->n, &opts, out);
}
