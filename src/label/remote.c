/* Asking, and what becomes of an answer where no verdict comes back. */
#include "label/remote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "base/utf8.h"

enum { GIVE_UP = 5, REPLY_LIMIT_BYTES = 1 << 20 };

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

struct mid__asking {
    pthread_mutex_t lock;
    mid_labeler_counts counts;
    int n_in_a_row;                 /* failures */
    bool over;
};

mid__asking *mid__asking_open(void)
{
    mid__asking *a = calloc(1, sizeof *a);

    if (a)
        pthread_mutex_init(&a->lock, NULL);
    return a;
}

void mid__asking_close(mid__asking *a)
{
    if (!a)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a);
}

bool mid__asking_over(mid__asking *a)
{
    bool over;

    pthread_mutex_lock(&a->lock);
    over = a->over;
    a->counts.n_failed += over;
    pthread_mutex_unlock(&a->lock);
    return over;
}

void mid__asking_failed(mid_ctx *ctx, mid__asking *a, const char *labeler, const mid_sample *sample, bool refused)
{
    bool over;

    pthread_mutex_lock(&a->lock);
    a->counts.n_failed++;
    a->n_in_a_row++;
    a->over = over = a->over || refused || a->n_in_a_row >= GIVE_UP;
    pthread_mutex_unlock(&a->lock);
    mid__log(ctx, MID_LOG_WARN, "labeler %s: sample %s is left unlabelled: %s%s", labeler,
             sample->id ? sample->id : "?", mid_ctx_message(ctx), !over ? "" :
             refused ? "; it is not asked again, check key and URL" : "; 5 failures in a row, it is not asked again");
}

void mid__asking_heard(mid__asking *a, bool unparsable, bool swayed)
{
    pthread_mutex_lock(&a->lock);
    a->n_in_a_row = 0;
    a->counts.n_unparsable += unparsable;
    a->counts.n_swayed += swayed;
    pthread_mutex_unlock(&a->lock);
}

void mid__asking_count(mid__asking *a, mid_labeler_counts *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->counts;
    pthread_mutex_unlock(&a->lock);
}

/* ---- a service --------------------------------------------------------------------------------------------------- */

struct mid__remote {
    char *name;
    pthread_mutex_t lock;           /* of http and reply */
    mid__http *http;
    mid__buf reply;
    mid__asking *asking;
};

mid_status mid__remote_open(mid_ctx *ctx, const char *name, const char *url, const char *example,
                            const mid__http_opts *opts, mid__remote **out)
{
    mid__remote *r;
    mid_status status;

    if (!*url)
        return mid__fail(ctx, MID_EINVAL, "labeler %s: parameter 'url' must say whom to ask, such as %s; every answer "
                         "is sent there", name, example);
    r = calloc(1, sizeof *r);
    if (!r)
        return mid__oom(ctx, name);
    pthread_mutex_init(&r->lock, NULL);
    mid__buf_init(&r->reply, REPLY_LIMIT_BYTES);
    r->name = strdup(name);
    r->asking = mid__asking_open();
    status = r->name && r->asking ? mid__http_open(ctx, url, NULL, opts, &r->http) : mid__oom(ctx, name);
    if (status == MID_OK)
        *out = r;
    else
        mid__remote_close(r);
    return status == MID_OK ? MID_OK : mid__within(ctx, status, "labeler %s", name);
}

void mid__remote_close(mid__remote *r)
{
    if (!r)
        return;
    mid__http_close(r->http);
    mid__asking_close(r->asking);
    mid__buf_clear(&r->reply);
    pthread_mutex_destroy(&r->lock);
    free(r->name);
    free(r);
}

void mid__remote_count(const mid__remote *r, mid_labeler_counts *out) { mid__asking_count(r->asking, out); }

bool mid__remote_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, const char *text, size_t n)
{
    mid__buf clean = { 0 };
    const bool ok = mid__utf8_put_clean(&clean, text, n)
                    && yyjson_mut_obj_add_strncpy(doc, object, key, clean.at ? clean.at : "", clean.n);

    mid__buf_clear(&clean);
    return ok;
}

static bool begin(void *user)
{
    mid__buf_clear(user);
    return true;
}

static bool receive(void *user, const char *bytes, size_t n) { return mid__buf_put(user, bytes, n); }

static mid_status read_reply(mid_ctx *ctx, const mid__remote *r, const char *text, size_t n, mid__verdict_fn verdict,
                             const void *self, mid_label *label)
{
    yyjson_doc *doc = r->reply.n ? yyjson_read(r->reply.at, r->reply.n, 0) : NULL;
    const char *lacks = doc ? verdict(self, yyjson_doc_get_root(doc), text, n, label) : "JSON";
    char said[MID__HTTP_SAID_BYTES];

    yyjson_doc_free(doc);
    if (!lacks)
        return MID_OK;
    *label = (mid_label){ -1, NAN, -1 };
    mid__http_clean(r->http, r->reply.n ? r->reply.at : "", said);
    return mid__fail(ctx, MID_EFORMAT, "%s: a reply of %zu bytes without %s: '%.80s'", mid__http_url(r->http),
                     r->reply.n, lacks, said);
}

static mid_status ask(mid_ctx *ctx, mid__remote *r, const char *json, const char *text, size_t n,
                      mid__verdict_fn verdict, const void *self, mid_label *label)
{
    const mid__http_reader reader = { .user = &r->reply, .begin = begin, .bytes = receive };
    mid_status status;

    pthread_mutex_lock(&r->lock);
    status = mid__http_post(ctx, r->http, json, 0, &reader, NULL);
    if (status == MID_ECANCEL)
        status = mid__fail(ctx, MID_EIO, "%s: a reply of more than %d bytes", mid__http_url(r->http), REPLY_LIMIT_BYTES);
    if (status == MID_OK)
        status = read_reply(ctx, r, text, n, verdict, self, label);
    pthread_mutex_unlock(&r->lock);
    return status;
}

mid_status mid__remote_judge(mid_ctx *ctx, mid__remote *r, yyjson_mut_doc *request, const mid_sample *sample,
                             const char *text, size_t n, mid__verdict_fn verdict, const void *self, mid_label *label)
{
    char *json = request ? yyjson_mut_write(request, 0, NULL) : NULL;
    mid_status status;

    yyjson_mut_doc_free(request);
    if (!json)
        return mid__oom(ctx, r->name);
    if (!mid__asking_over(r->asking)) {
        status = ask(ctx, r, json, text, n, verdict, self, label);
        if (status == MID_OK)
            mid__asking_heard(r->asking, false, false);
        else
            mid__asking_failed(ctx, r->asking, r->name, sample, status == MID_EMODEL);
    }
    free(json);
    return MID_OK;
}
