/* Losses and gradients of the learners on sets read from standard input, for learn.py to compare with numpy.
 *     adam n_step n rate decay, n weights, n_step * n gradients                        answers with a line: the weights
 *     mlp n_layer, widths, n, n * d values, n labels, n weights, the net's weights     two lines: loss, gradient; logits
 *     head NAME n n_setting, settings, n lengths, d, values, counts, labels, weights   a line: loss, gradient
 * Heads: streaming tau through; attention heads; dual width alpha gamma; guard width; kelp start (the first row of a
 * sequence is the prompt's); gru width. */
#include "driver.h"

#include "learn/adam.h"
#include "learn/gru.h"
#include "learn/mlp.h"
#include "monitor/trained_heads.h"

static void adam(void)
{
    const size_t n_step = count(), n = count();
    const double rate = number(), decay = number();
    float *w = floats(n), *grad = floats(n_step * n);
    mid__adam state;
    size_t i;

    ok(NULL, mid__adam_open(NULL, n, &state));
    for (i = 0; i < n_step; i++)
        mid__adam_step(&state, rate, decay, grad + i * n, w);
    float_row(w, n);
    mid__adam_clear(&state);
    free(w);
    free(grad);
}

static void mlp(void)
{
    mid__mlp net = { .n_layer = (int)count() };
    mid__mlp_work work;
    float *x, *w, *grad;
    double *weight;
    uint8_t *label;
    size_t i, n, n_weight;

    for (i = 0; i <= (size_t)net.n_layer; i++)
        net.width[i] = count();
    n = count();
    x = floats(n * net.width[0]);
    label = labels(n);
    weight = numbers(n);
    n_weight = mid__mlp_n_weight(&net);
    w = floats(n_weight);
    grad = room(n_weight, sizeof *grad);
    ok(NULL, mid__mlp_work_open(NULL, &net, n, &work));
    memcpy(work.act[0], x, n * net.width[0] * sizeof *x);
    printf("%.17g ", mid__mlp_loss(&net, w, &work, n, label, weight, grad));
    float_row(grad, n_weight);
    float_row(mid__mlp_forward(&net, w, &work, n), n * net.width[net.n_layer]);
    mid__mlp_work_clear(&work);
    free(x);
    free(w);
    free(grad);
    free(label);
    free(weight);
}

static mid__head head_of(const char *name, const double *setting)
{
    if (strcmp(name, "streaming") == 0)
        return mid__streaming_head(setting[0], setting[1] != 0);
    if (strcmp(name, "attention") == 0)
        return mid__attention_probe_head((size_t)setting[0]);
    if (strcmp(name, "dual") == 0)
        return mid__dual_head((size_t)setting[0], setting[1], setting[2]);
    if (strcmp(name, "guard") == 0)
        return mid__guard_head((size_t)setting[0]);
    if (strcmp(name, "kelp") == 0)
        return mid__kelp_head((size_t)setting[0]);
    return mid__gru_head((size_t)setting[0]);
}

static void read_head(void)
{
    char name[32];
    double setting[4] = { 0 };
    mid__head_task task;
    mid__head head;
    mid__seqs seqs;
    float *x, *counts, *w, *grad;
    uint8_t *label;
    uint32_t *item;
    size_t i, n, n_setting, n_row = 0, d, *length;

    if (scanf("%31s", name) != 1)
        exit(2);
    n = count();
    n_setting = count();
    for (i = 0; i < n_setting && i < 4; i++)
        setting[i] = number();
    length = room(n, sizeof *length);
    item = room(n, sizeof *item);
    for (i = 0; i < n; i++) {
        length[i] = count();
        n_row += length[i];
        item[i] = (uint32_t)i;
    }
    d = count();
    x = floats(n_row * d);
    counts = floats(n_row);
    label = labels(n);
    ok(NULL, mid__seqs_open(NULL, n, n_row, d, &seqs));
    memcpy(seqs.x, x, n_row * d * sizeof *x);
    memcpy(seqs.count, counts, n_row * sizeof *counts);
    for (i = 0; i < n; i++) {
        seqs.at[i + 1] = seqs.at[i] + length[i];
        seqs.label[i] = label[i];
    }
    head = head_of(name, setting);
    ok(NULL, mid__head_task_open(NULL, &head, &seqs, n, &task));
    w = floats(task.loss.n_weight);
    grad = room(task.loss.n_weight, sizeof *grad);
    printf("%.17g ", task.loss.of(&task, w, item, n, grad));
    float_row(grad, task.loss.n_weight);
    mid__head_task_clear(&task);
    mid__seqs_clear(&seqs);
    free(length);
    free(item);
    free(x);
    free(counts);
    free(label);
    free(w);
    free(grad);
}

int main(void)
{
    char kind[16];

    while (scanf("%15s", kind) == 1)
        if (strcmp(kind, "adam") == 0)
            adam();
        else if (strcmp(kind, "mlp") == 0)
            mlp();
        else if (strcmp(kind, "head") == 0)
            read_head();
        else
            return 2;
    return 0;
}
