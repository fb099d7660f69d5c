/* ROUGE-L F1 for rouge.py: standard input holds pairs of lines, answer and reference; one number a pair comes out. */
#include "base/rouge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *answer = NULL, *reference = NULL;
    size_t cap_answer = 0, cap_reference = 0;
    double f1;

    while (getline(&answer, &cap_answer, stdin) > 0 && getline(&reference, &cap_reference, stdin) > 0) {
        if (mid__rouge_l(NULL, answer, strlen(answer), reference, strlen(reference), &f1) != MID_OK)
            return 1;
        printf("%.17g\n", f1);
    }
    free(reference);
    free(answer);
    return 0;
}
