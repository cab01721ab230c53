/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of image formats share: parsing, and an end to who breaks a promise.
 */
#ifndef AXVMM_TESTS_FUZZ_FUZZ_IMAGE_H
#define AXVMM_TESTS_FUZZ_FUZZ_IMAGE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/check_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_breach(const char *what)
{
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* Returns whether the image was taken; *plan is filled then. */
static inline bool fuzz_parse(const uint8_t *bytes, size_t len, const AxImageHints *hints,
			      AxImagePlan *plan)
{
	AxError err = AX_ERROR_INIT;
	const char *breach;
	int ret;

	*plan = (AxImagePlan)AX_IMAGE_PLAN_INIT;
	ret = ax_image_parse(bytes, len, hints, plan, &err);
	if (ret != 0 && ret != -ENOEXEC && ret != -EINVAL && ret != -ENOSPC)
		fuzz_breach("an errno that is not documented");
	if (ret != 0 && (!err.message[0] || !memchr(err.message, 0, sizeof(err.message))))
		fuzz_breach("a refusal without a message");
	if (ret != 0)
		return false;
	breach = check_plan(plan, len, hints);
	if (breach)
		fuzz_breach(breach);
	return true;
}

#endif
