/*
 * tests/impair/command.h - the lines by which a test changes the link while it runs.
 *
 *     up|down|both key=number…    what is not named stays as it is
 *     stat                        how many datagrams had which fate
 *
 * up is from the browser to the server.  Keys and their units are the table in command.c.
 */
#pragma once

#include "tests/impair/link.h"

enum impair_way { IMPAIR_UP, IMPAIR_DOWN, IMPAIR_WAYS };

enum impair_verb { IMPAIR_VERB_SET, IMPAIR_VERB_STAT };

/* Nothing lost, nothing late. */
void impair_settings_init(struct impair_settings *ret);

/* 0, or -EBADMSG: nothing has changed. */
SFU_MUST_CHECK int impair_command_read(const char *line, struct impair_settings ways[IMPAIR_WAYS],
                                       enum impair_verb *ret_verb);
