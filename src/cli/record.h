/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording of a run: --record FILE.
 */
#ifndef AXVMM_CLI_RECORD_H
#define AXVMM_CLI_RECORD_H

#include <axvmm/record.h>

#include "cli/options.h"

/* Refuse to overwrite what is no recording: STATUS_OK, or another status after a message. */
int recording_check(const struct run_options *options);

/* Begin it: NULL after a message. */
AxRecord *recording_open(const struct run_options *options);

/*
 * End it, and say what is in it. A recording of which nothing ran (@ran false) is removed. False, after a
 * message, when it could not be written. NULL is allowed.
 */
bool recording_close(AxRecord *record, const struct run_options *options, bool ran);

#endif
