/* The command line: arguments and printing, nothing else. What midstream does is in the library, reached through
 * midstream.h only. Functions here that can fail print their message ("midstream VERB: ...") and return the exit
 * code. */
#ifndef MID_CLI_H
#define MID_CLI_H

#include <stdio.h>

#include "midstream.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };     /* exit codes */
enum { CLI_LIST_MAX = 256 };
#define CLI_NO_RESPLITS UINT32_MAX

typedef struct cli_list { const char *at[CLI_LIST_MAX]; size_t n; } cli_list;

/* Everything options can say. An option means the same for every verb that takes it; see options.c. */
typedef struct cli_args {
    cli_list word;                  /* what is no option: PLAN.yaml, DIR, PROMPT */
    cli_list data, map, param, plugin;
    const char *out, *model, *monitor, *in, *dataset, *source, *store, *traces, *labels, *labeler, *scores;
    const char *form, *quantise, *group, *cache, *format, *rule, *by, *population, *drift;
    const char *url, *key_env, *from, *task, *as, *run, *access, *lang, *shard, *config;
    uint32_t max_tok, limit, threads;
    uint32_t resplits;              /* CLI_NO_RESPLITS: not given */
    uint64_t seed;
    double threshold, temperature;  /* threshold NaN: not given */
    double plugin_timeout_s;        /* 0: the library's */
    double max_exposed, max_false_alarm;    /* max_false_alarm NaN: not given */
    double prevalence, ms_per_tok;  /* NaN: not given */
    double false_alarm, miss, confidence;   /* NaN: not given */
    double max_us_per_tok;          /* NaN: not given */
    bool check, estimate, evaluate, hidden, needs, is_public, quiet, stored, help;
} cli_args;

typedef struct cli cli;

typedef struct cli_verb {
    const char *name;
    const char *words;              /* what follows the verb: "PLAN.yaml" */
    size_t n_word_min, n_word_max;
    const char *takes;              /* its options, blank-separated, in the order of its help; "!out": must be given */
    const char *summary;            /* one line */
    const char *about;              /* what a newcomer should know; lines of at most 100 columns */
    const char *example;
    int (*run)(cli *c);
    bool internal;                  /* not for people: left out of the list of verbs */
} cli_verb;

extern const cli_verb cli_verb_calibrate, cli_verb_eval, cli_verb_export, cli_verb_fit, cli_verb_guard, cli_verb_import,
    cli_verb_label, cli_verb_list, cli_verb_merge, cli_verb_pilot, cli_verb_plugin_host, cli_verb_recommend, cli_verb_recommend_holdback,
    cli_verb_report, cli_verb_run, cli_verb_score, cli_verb_submit_check, cli_verb_trace, cli_verb_watch;

/* One run of the command. */
struct cli {
    const cli_verb *verb;
    cli_args args;
    mid_ctx *ctx;
    mid_plugin *plugin[CLI_LIST_MAX];   /* those of --plugin */
    uint32_t want;                  /* MID_SIG_* that the monitor needs beyond what a source gives unasked */
    bool json;                      /* --format json */
    bool colour;                    /* stdout is a terminal that may be coloured */
    struct {
        mid_progress last;          /* stage points to `stage` */
        char stage[128];
        double begun_s, printed_s;
        bool open;                  /* a stage has begun and its closing line is not printed */
    } progress;
};

/* ---- failures ---- */
int cli_fail(const cli *c, const char *fmt, ...) MID_PRINTF(2, 3);
int cli_usage(const cli *c, const char *fmt, ...) MID_PRINTF(2, 3);    /* wrong arguments: CLI_USAGE */
int cli_end(const cli *c, mid_status status);           /* of a library call: its message */
void cli_note(const cli *c, const char *fmt, ...) MID_PRINTF(2, 3);    /* for people, on stderr; not with --quiet */
const char *cli_nearest(const char *word, const char *const *name, size_t n);  /* at most 2 edits away, or NULL */

/* ---- options.c ---- */
int cli_options_read(cli *c, int argc, char **argv);    /* argv[0] is the verb; checks before any work */
void cli_options_needed(FILE *to, const cli_verb *verb);      /* " --out PATH": those that must be given */
void cli_options_help(FILE *to, const cli_verb *verb);

/* ---- mpi.c: the ranks that mpirun started ---- */
int cli_crew_begin(const cli *c, mid_crew *crew);       /* n_rank 1: this process is alone */
void cli_crew_end(const mid_crew *crew, bool abandon);  /* abandon: end the others too, who may wait for this one */

/* ---- plugins.c: --plugin ---- */
int cli_plugins_open(cli *c);                           /* and make them known by name */
void cli_plugins_close(cli *c);

/* ---- progress.c ---- */
void cli_progress_begin(cli *c);                        /* shows the context's progress and log; catches SIGINT */
void cli_progress_show(cli *c, const char *stage, uint64_t done, uint64_t total, const char *unit);
void cli_progress_end(cli *c);
bool cli_stopped(void);                                 /* SIGINT came */

/* ---- print.c ---- */
typedef struct cli_json { FILE *to; bool more; } cli_json;
/* key NULL: inside a list, or the outermost value. NaN and infinities are null; bytes that are not UTF-8 are U+FFFD. */
void cli_json_open(cli_json *j, const char *key, char bracket);        /* '{' or '[' */
void cli_json_close(cli_json *j, char bracket);
void cli_json_text(cli_json *j, const char *key, const char *text, size_t n);
void cli_json_string(cli_json *j, const char *key, const char *text);  /* zero-terminated; NULL: null */
void cli_json_number(cli_json *j, const char *key, double x);
void cli_json_exact(cli_json *j, const char *key, double x);           /* reads back the same, for what gets compared */
void cli_json_whole(cli_json *j, const char *key, int64_t x);
void cli_json_flag(cli_json *j, const char *key, bool x);
void cli_json_estimate(cli_json *j, const char *key, const mid_estimate *e);
/* "0.912 [0.850, 0.961]"; "-" where it is undefined. */
void cli_estimate_text(const mid_estimate *e, int n_decimal, char text[64]);
/* Length of the UTF-8 sequence at text, 0: none starts here, -1: more bytes are needed to tell. */
int cli_utf8_length(const char *text, size_t n);

/* Rows of cells, printed aligned or as JSON. A column whose name begins with '#' holds numbers, one with '+' is in JSON
 * only. */
typedef struct cli_table {
    const char *const *column;
    size_t n_column, n_cell;
    char **cell;
} cli_table;
int cli_table_row(const cli *c, cli_table *t, ...);     /* n_column const char *, copied; NULL: nothing to say */
void cli_table_print(const cli *c, cli_table *t);       /* and frees it */

/* ---- records.c: the JSON Lines that label and score write, read back ---- */
typedef struct cli_record {
    char *id, *group;               /* group: of its prompt; NULL: not given */
    char *by;                       /* what the field of --by says; NULL: nothing */
    double label, score, i_tok;     /* NaN: not there, or null; label is 0 or 1; a score that is null is -INFINITY: nothing to say yet */
    double onset, onset_tok;        /* byte, or token, of a label's first unsafe one */
    double at_byte, n_text;         /* where a token's text begins, and its bytes; one cut inside a character has more here */
    bool last;                      /* the answer's last token */
} cli_record;
typedef struct cli_records {
    cli_record *at;
    size_t n;
    char *scored_by;                /* whose scores they are, as score says; NULL: no line does */
    bool has_last;                  /* some line says that it is an answer's last, so of each whole answer one does */
} cli_records;
int cli_records_read(const cli *c, const char *path, cli_records *out);
int cli_labels_read(const cli *c, const char *path, cli_records *out);     /* sorted; an id stands there once */
void cli_records_clear(cli_records *r);
/* Sort by id, and those of one id by i_tok. */
void cli_records_sort(cli_records *r);
const cli_record *cli_records_find(const cli_records *sorted, const char *id);

/* What a rule may go by, one for each value: label prints it, calibrate --by names it, score looks it up. Each is known
 * before an answer's first token. */
extern const char *const cli_field[];                   /* names, ends with NULL */
const char *cli_field_of(const mid_sample *sample, const char *field);      /* NULL: it has none, or nobody knows it */
bool cli_record_key(const char *name);                  /* has it a use of its own in the lines of label or score? */

/* ---- joined.c: --scores with --labels ---- */
typedef struct cli_answer {
    const cli_record *score;        /* (n_tok) by token */
    const cli_record *label;
    size_t n_tok;
    uint32_t group;                 /* --group, or what the label says */
    uint8_t unsafe;
} cli_answer;
typedef struct cli_joined { cli_records scores, labels; cli_answer *at; size_t n; } cli_joined;
int cli_join(const cli *c, cli_joined *out);            /* says what is left out, and why; fails when nothing remains */
void cli_joined_clear(cli_joined *j);
/* Whose scores: "MONITOR VERSION OBSERVER FITTED", "-" for what there is none of; as score prints and calibrate reads it. */
enum { CLI_SUBJECT_BYTES = sizeof(mid_rule_subject) };
void cli_subject_text(const mid_rule_subject *subject, char text[CLI_SUBJECT_BYTES]);
bool cli_subject_read(const char *text, mid_rule_subject *subject);
/* Token of an unsafe answer's onset: -1 unknown, n_tok: behind where the answer was cut. */
int cli_onset(const cli *c, const cli_answer *a, int32_t *onset_tok);

/* ---- resplits.c: what calibrate --resplits found ---- */
void cli_resplit_print(const mid_resplit *checked);
void cli_resplit_json(cli_json *j, const char *key, const mid_resplit *checked);

/* ---- work.c: what several verbs do ---- */
const char *cli_cache_dir(const cli *c);                /* --cache, $MIDSTREAM_CACHE, ~/.cache/midstream */
void cli_data_dirs(const cli *c, cli_list *dirs);       /* --data, $MIDSTREAM_DATA, data */
/* --model, --quantise, --threads, --max-tok; or --url, --model, --key-env. layer: the one to tap, or CLI_LAYERS_SPREAD, CLI_LAYERS_NONE. */
enum { CLI_LAYERS_SPREAD = -1, CLI_LAYERS_NONE = -2 };
int cli_model_open(cli *c, int n_seq, int layer, mid_model **out);
mid_source_opts cli_source_opts(const cli *c, const mid_model *model);
int cli_layers(cli *c, const mid_monitor_reads *reads); /* what a monitor reads: which layers, and c->want for the rest */
int cli_dataset_open(const cli *c, mid_dataset **out);  /* --in or --dataset */
int cli_params(const cli *c, const mid_param *known, mid_param out[CLI_LIST_MAX + 1]);    /* --param k=v */
uint32_t cli_hash(const char *text);
/* "probe_linear" or "probe_linear+ema(0.9)": a monitor that is known, and aggregators. */
int cli_spec(const cli *c, const char *text, mid_monitor_spec *out);
/* A monitor by name (with aggregators) or fitted file, in two steps, since the model is opened in between:
 * first what it is (weights owned, NULL for a name) and which layer it reads, then bound to a model's signals. */
typedef struct cli_monitor {
    const mid_monitor_ops *ops;
    mid_monitor_spec spec;          /* ops and the aggregators behind it */
    char name[MID_SPEC_BYTES];      /* as text */
    const char *file;               /* NULL for a name */
    mid_weights *weights;
    mid_monitor *monitor;
    mid_stream *stream;
    int layer;
} cli_monitor;
int cli_monitor_find(cli *c, const char *name_or_file, cli_monitor *out);
int cli_monitor_bind(const cli *c, const mid_model *model, cli_monitor *m);
void cli_monitor_close(cli_monitor *m);
/* A sample's newest trace in a store that trace filled. Its key is a fact of the store, named by the sample's id. */
void cli_trace_fact(char name[128], const char *sample_id);
int cli_traces_open(const cli *c, mid_store **out);     /* --traces, which must exist */
int cli_traces_get(const cli *c, mid_store *store, const char *sample_id, mid_trace **out);    /* NULL: there is none */

/* A drift check of a rule: of --drift, or of this run alone. *withdrawn: an earlier run found that the promise does not
 * hold, and that is said now. */
int cli_drift_open(const cli *c, const mid_rule_file *rule, bool look_only, mid_drift **out, bool *withdrawn);

/* Take answers out of a dataset as traces, in fixed groups, with progress. */
typedef struct cli_answers {
    bool labelled;                  /* only samples with a label */
    bool (*skip)(void *user, const mid_sample *sample);     /* NULL, or: a group of which all are skipped is not run */
    int (*take)(void *user, const mid_sample *sample, mid_trace *trace);     /* trace is given */
    void *user;
} cli_answers;
int cli_answers_run(cli *c, mid_model *model, const mid_dataset *data, const cli_answers *answers);

#endif
