/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU's one interrupt line. See line.h.
 */
#include <string.h>

#include "arch/line.h"

void cpu_line_init(struct cpu_line *line)
{
	pthread_mutex_init(&line->lock, NULL);
}

void cpu_line_fini(struct cpu_line *line)
{
	pthread_mutex_destroy(&line->lock);
}

static bool is_up(const struct cpu_line *line)
{
	return line->raised[0] || line->raised[1] || line->raised[2] || line->raised[3];
}

int cpu_line_change(struct cpu_line *line, AxVCpu *vcpu, unsigned vector, bool level,
		    cpu_line_drive *drive, AxError *err)
{
	uint64_t bit = UINT64_C(1) << (vector % 64), *word = &line->raised[vector / 64], before;
	bool was_up;
	int ret = 0;

	pthread_mutex_lock(&line->lock);
	was_up = is_up(line);
	before = *word;
	*word = level ? before | bit : before & ~bit;
	if (was_up != is_up(line))
		ret = drive(vcpu, level, err);
	if (ret)
		*word = before;
	pthread_mutex_unlock(&line->lock);
	return ret;
}

int cpu_line_restore(struct cpu_line *line, AxVCpu *vcpu, cpu_line_drive *drive, AxError *err)
{
	int ret = 0;

	pthread_mutex_lock(&line->lock);
	if (is_up(line))
		ret = drive(vcpu, true, err);
	pthread_mutex_unlock(&line->lock);
	return ret;
}

int cpu_line_drop(struct cpu_line *line, AxVCpu *vcpu, cpu_line_drive *drive, AxError *err)
{
	int ret = 0;

	pthread_mutex_lock(&line->lock);
	if (is_up(line))
		ret = drive(vcpu, false, err);
	if (!ret)
		memset(line->raised, 0, sizeof(line->raised));
	pthread_mutex_unlock(&line->lock);
	return ret;
}
