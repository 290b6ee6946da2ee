#include "signaling/problem.h"

void sig_problem_write(struct sfu_str *s, const struct sfu_error *error)
{
    sfu_error_put_problem(s, error);
}
