/* Plans: a YAML file that names models, datasets, monitors, rules, splits and seeds. docs/plan.md has the whole grammar.
 * An unknown key, a wrong type or a value out of range is MID_EFORMAT with file:line:column and what is expected there. */
#ifndef MIDSTREAM_PLAN_H
#define MIDSTREAM_PLAN_H

#include "aggregator.h"
#include "source.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mid_plan_model {
    const char *name;               /* in results */
    const char *path;               /* of the GGUF; ${VAR} and a leading ~ are expanded; "smollm2" and "gemma" are known names;
                                       NULL: a server */
    const char *format;             /* as mid_source_opts.format; NULL: chat */
    const char *quantise;           /* as mid_model_opts.quantise; NULL: as the file is */
    int n_layer, layer[MID_LAYER_MAX];  /* 0: four over the depth */
    int line;                       /* where it stands in the file */
    const char *url;                /* of an OpenAI-compatible server, for source "openai"; NULL: a file */
    const char *server_model;       /* what that server is asked for; NULL: its own */
    const char *key_env;            /* the environment variable that holds the server's key; NULL: none is needed */
    const char *key;                /* that key, once mid_plan_set_model_key() gave it */
    uint32_t top_logprobs;          /* alternatives per token; 0: text alone */
    uint32_t rpm, tpm, timeout_s;   /* requests and tokens a minute, 0: no limit; longest silence */
} mid_plan_model;

/* Who is asked whether an answer so far is unsafe, for monitors that look at such verdicts (judge.h). */
typedef struct mid_plan_judge {
    const char *model;              /* a mid_plan_model's name, whose file is asked in process; NULL: a server */
    const char *url;                /* of an OpenAI-compatible server; NULL: in process */
    const char *server_model;       /* what that server is asked for; NULL: its own */
    const char *key_env;            /* the environment variable that holds the server's key; NULL: none is needed */
    const char *key;                /* that key, once mid_plan_set_key() gave it */
    const char *form;               /* as mid_judge_opts.form; NULL: ours */
    bool by_sentence;               /* asked at sentence ends, or after 64 tokens; false: every every_tok tokens */
    uint32_t every_tok;
    int line;
} mid_plan_judge;

/* Who says what is unsafe, with parameters of its own. */
typedef struct mid_plan_labeler {
    const char *name;               /* registry name */
    const mid_param *params;        /* overrides, ends with name NULL; what follows is not among them */
    const char *model;              /* of "judge": a mid_plan_model's name, whose file is asked in process; NULL: no file */
    const char *url;                /* of a judge's server or another service; NULL: none */
    const char *key_env;            /* the environment variable that holds its key; NULL: none is needed */
    const char *key;                /* that key, once mid_plan_set_labeler_key() gave it */
    int line;
} mid_plan_labeler;

typedef struct mid_plan_data {
    const char *dataset;            /* name or path */
    const char *as;                 /* name in results; NULL: dataset, of a path the last part */
    const char *model;              /* a mid_plan_model's name: it generates ("llama", "openai") or reads ("recorded") */
    const char *beside;             /* another's name: a second observer, not of "llama"; NULL: none */
    const char *source;             /* "llama", "openai" or "recorded" */
    const char *format;             /* overrides the model's; NULL: the model's */
    const char *labeler;            /* NULL: the task's default; "data": the labels that come with the data */
    const char *const *response_model;  /* (n_response_model) keep only these authors; 0: all */
    size_t n_response_model;
    const char *group;              /* "prompt": by normalised prompt; "id:2": the sample id after its 2nd hyphen */
    uint32_t max_tok, min_tok;      /* answers are cut at max_tok; those shorter than min_tok are left out */
    uint32_t limit;                 /* 0: all; else a stable sample of that many, the same for every run */
    const char *stop;               /* as mid_source_opts.stop */
    float temperature;
    bool stratify;                  /* limit takes the same share of each author and each split */
    bool optional;                  /* skip, with a visible line, when the dataset is not found */
    bool contrast;                  /* also report the subset of unsafe prompts (prompt_label 1) */
    int line;
    const mid_plan_judge *judge;    /* NULL: none, and monitors that need one are left out here */
    const char *observer;           /* of "openai": who reads the answers, for monitors to see its steps; NULL: nobody */
    const char *const *attack;      /* (n_attack) "delay(64)", "rot13": copies of recorded answers, only scored */
    size_t n_attack;
    const mid_plan_labeler *label_by;   /* the one named by `labeler`, with its parameters; NULL: that is NULL */
    const mid_plan_labeler *other_labeler;  /* (n_other_labeler) only compared with it */
    size_t n_other_labeler;
} mid_plan_data;

typedef struct mid_plan_monitor {
    const char *name;               /* registry name */
    const char *as;                 /* name in results; NULL: text */
    const mid_param *params;        /* overrides, ends with name NULL */
    const char *const *only;        /* (n_only) dataset names (results name) it runs on; 0: all */
    size_t n_only;
    int line;
    const mid_monitor_ops *ops;     /* that name's, of the registry or the context the plan was loaded with */
    mid_monitor_spec spec;          /* ops and the aggregators behind it */
    const char *text;               /* the spec as it is written, "probe_linear+ema(0.9)"; without aggregators: name */
    mid_monitor_reads reads;        /* with these parameters */
} mid_plan_monitor;

typedef struct mid_plan_rule {
    const char *name;
    const mid_param *params;        /* ends with name NULL */
    int line;
} mid_plan_rule;

/** A figure that methods are compared by: "auroc@16" is auroc after 16 tokens, "auroc" that of the whole answer. */
typedef struct mid_plan_metric {
    const char *name;               /* auroc, auprc, tpr_at_fpr1 or tpr_at_fpr5 */
    uint32_t at_tok;                /* one of the plan's; 0: the whole answer */
} mid_plan_metric;

typedef struct mid_plan_statistics {
    double alpha;                   /* level of Holm's correction and of critical differences; .05 */
    const mid_plan_metric *metric;      size_t n_metric;    /* auroc@16, or auroc without 16 in at_tok */
} mid_plan_statistics;

typedef struct mid_plan {
    const char *name, *title;
    const char *file;               /* where it was read from */
    uint64_t seed;                  /* of several seeds the first */
    int n_fold;                     /* cross-validation by prompt group, at least 3 (fit, calibrate, test); 5 */
    int n_inner;                    /* inner folds for hyper-parameters; 3 */
    uint32_t n_draw;                /* bootstrap draws; 2000 */
    const uint32_t *at_tok;         /* (n_at_tok) prefixes in tokens; default 1 2 4 8 16 32 64 128 */
    size_t n_at_tok;
    const double *at_frac;          /* (n_at_frac) shares of the answer; default .1 .2 .. 1 */
    size_t n_at_frac;
    const char *baseline;           /* a monitor's name in results that all others are compared with; NULL: none */
    uint32_t n_show;                /* answers kept for the report's browser, per dataset; 40 */
    const mid_plan_model *model;        size_t n_model;
    const mid_plan_data *data;          size_t n_data;
    const mid_plan_monitor *monitor;    size_t n_monitor;
    const mid_plan_rule *rule;          size_t n_rule;
    const uint64_t *seeds;              size_t n_seed;      /* repeat all behind the answers with each; 0: once */
    mid_plan_statistics statistics;
    const double *prevalence;           size_t n_prevalence;    /* shares of unsafe answers to re-weight figures to */
} mid_plan;

/** @param[out] out owned, everything in it lives as long as it. @return MID_ENOTFOUND, MID_EFORMAT, MID_ENOMEM. */
MID_API mid_status mid_plan_load(mid_ctx *ctx, const char *path, mid_plan **out);
MID_API void mid_plan_close(mid_plan *plan);
/** Give the key that the judge of a data entry names by key_env: the library does not look for it, and mid_run()
 *  refuses a plan whose key is not given. Copied; in no result, store or log.
 *  @param i_data  index of the entry. @return MID_EINVAL if its judge asks for no key; MID_ENOMEM. */
MID_API mid_status mid_plan_set_key(mid_ctx *ctx, mid_plan *plan, size_t i_data, const char *key);
/** The same for all labelers that name this variable as their key_env. @return MID_EINVAL if none does; MID_ENOMEM. */
MID_API mid_status mid_plan_set_labeler_key(mid_ctx *ctx, mid_plan *plan, const char *key_env, const char *key);
/** The same for the server of a model. @param i_model  index of the model. */
MID_API mid_status mid_plan_set_model_key(mid_ctx *ctx, mid_plan *plan, size_t i_model, const char *key);
/** The plan as JSON text, as it goes into results. @param[out] text owned, mid_free(). */
MID_API mid_status mid_plan_json(mid_ctx *ctx, const mid_plan *plan, char **text);

#ifdef __cplusplus
}
#endif
#endif
