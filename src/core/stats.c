/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM's own statistics: opening, reading, looking at them. The format is stats_format.c's.
 */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/stats.h"
#include "core/vcpu.h"
#include "core/vm.h"

struct AxStats {
	int fd;
	struct stats_layout layout;
	char id[STATS_NAME_MAX];
	struct stats_row *rows;
	uint32_t value_count;
	uint64_t *values; /* of all rows; the next reading's follow */
};

const char *ax_stat_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[AX_STAT_CUMULATIVE] = "cumulative",
		[AX_STAT_INSTANT] = "instant",
		[AX_STAT_PEAK] = "peak",
		[AX_STAT_LINEAR_HISTOGRAM] = "linear-histogram",
		[AX_STAT_LOG_HISTOGRAM] = "log-histogram",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *ax_stat_unit_name(uint32_t unit)
{
	static const char *const names[] = {
		[AX_STAT_NONE] = "",	       [AX_STAT_BYTES] = "bytes",
		[AX_STAT_SECONDS] = "seconds", [AX_STAT_CYCLES] = "cycles",
		[AX_STAT_BOOLEAN] = "boolean",
	};

	return unit < sizeof(names) / sizeof(names[0]) ? names[unit] : "unknown";
}

static int no_format(AxError *err, const char *why)
{
	return ax_error_set(err, -EIO, AX_ERROR_KVM_CALL, 0,
			    "KVM's statistics are in no format that is known: %s", why);
}

/* All of @size bytes. */
static int read_all(int fd, void *bytes, size_t size, uint64_t offset, AxError *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t len =
			sys_stats_read(fd, (uint8_t *)bytes + done, size - done, offset + done);

		if (len == -EINTR)
			continue;
		if (len < 0)
			return ax_error_sys(err, (int)len, "reading KVM's statistics");
		if (!len)
			return no_format(err, "they end too early");
		done += (size_t)len;
	}
	return 0;
}

static int read_header(AxStats *stats, AxError *err)
{
	struct kvm_stats_header header;
	uint8_t id[STATS_NAME_MAX];
	const char *why;
	int ret = read_all(stats->fd, &header, sizeof(header), 0, err);

	if (ret)
		return ret;
	if (!stats_check_header(&header, &stats->layout, &why))
		return no_format(err, why);
	ret = read_all(stats->fd, id, stats->layout.name_size, stats->layout.id_offset, err);
	if (!ret && !stats_take_name(stats->id, id, stats->layout.name_size))
		ret = no_format(err, "an identification that is no name");
	return ret;
}

static int take_descriptors(AxStats *stats, const uint8_t *bytes, AxError *err)
{
	size_t size = stats_desc_size(&stats->layout);
	const char *why;

	for (uint32_t i = 0; i < stats->layout.count; i++) {
		if (!stats_check_desc(&stats->layout, bytes + i * size, &stats->rows[i],
				      &stats->value_count, &why))
			return no_format(err, why);
	}
	return 0;
}

static int read_descriptors(AxStats *stats, AxError *err)
{
	size_t size = stats_desc_size(&stats->layout) * stats->layout.count;
	uint8_t *bytes;
	int ret;

	if (!stats->layout.count)
		return 0;
	stats->rows = calloc(stats->layout.count, sizeof(stats->rows[0]));
	bytes = malloc(size);
	if (stats->rows && bytes) {
		ret = read_all(stats->fd, bytes, size, stats->layout.desc_offset, err);
		if (!ret)
			ret = take_descriptors(stats, bytes, err);
	} else {
		ret = ax_error_nomem(err, "KVM's statistics");
	}
	free(bytes);
	if (ret)
		return ret;
	stats->values = calloc(2 * (size_t)stats->value_count, sizeof(stats->values[0]));
	return stats->values ? 0 : ax_error_nomem(err, "KVM's statistics");
}

int ax_stats_read(AxStats *stats, AxError *err)
{
	uint64_t *next = stats->values + stats->value_count;
	size_t size = stats->value_count * sizeof(*next);
	int ret;

	if (!size)
		return 0;
	ret = read_all(stats->fd, next, size, stats->layout.data_offset, err);
	if (!ret)
		memcpy(stats->values, next, size);
	return ret;
}

/* Of a VM's or a vCPU's descriptor. */
static int open_stats(AxVm *vm, int fd, AxStats **out, AxError *err)
{
	AxStats *stats;
	int ret;

	if (!sys_check_extension(vm->fd, KVM_CAP_BINARY_STATS_FD))
		return ax_error_set(err, -ENOTSUP, AX_ERROR_UNSUPPORTED, 0,
				    "this KVM has no statistics (KVM_CAP_BINARY_STATS_FD); Linux "
				    "5.14 or later has them");
	stats = calloc(1, sizeof(*stats));
	if (!stats)
		return ax_error_nomem(err, "KVM's statistics");
	stats->fd = sys_stats_open(fd);
	if (stats->fd < 0) {
		ret = ax_error_sys(err, stats->fd, "KVM_GET_STATS_FD");
		free(stats);
		return ret;
	}
	ret = read_header(stats, err);
	if (!ret)
		ret = read_descriptors(stats, err);
	if (!ret)
		ret = ax_stats_read(stats, err);
	if (ret) {
		ax_stats_free(stats);
		return ret;
	}
	*out = stats;
	return 0;
}

int ax_vm_stats_open(AxVm *vm, AxStats **out, AxError *err)
{
	return open_stats(vm, vm->fd, out, err);
}

int ax_vcpu_stats_open(AxVCpu *vcpu, AxStats **out, AxError *err)
{
	if (vcpu_get_state(vcpu) >= AX_VCPU_READY && !vcpu_is_owner(vcpu))
		return ax_error_state(err,
				      "statistics: vCPU %u is another thread's; open them before "
				      "it runs",
				      vcpu->id);
	return open_stats(vcpu->vm, vcpu->fd, out, err);
}

void ax_stats_free(AxStats *stats)
{
	if (!stats)
		return;
	sys_close(stats->fd);
	free(stats->rows);
	free(stats->values);
	free(stats);
}

const char *ax_stats_id(const AxStats *stats)
{
	return stats->id;
}

bool ax_stats_at(const AxStats *stats, unsigned index, AxStat *out)
{
	const struct stats_row *row;

	if (index >= stats->layout.count || out->size < sizeof(*out))
		return false;
	row = &stats->rows[index];
	out->name = row->name;
	out->kind = row->kind;
	out->unit = row->unit;
	out->base = row->base;
	out->exponent = row->exponent;
	out->bucket_size = row->bucket_size;
	out->count = row->count;
	out->values = stats->values + row->first;
	return true;
}

bool ax_stats_find(const AxStats *stats, const char *name, AxStat *out)
{
	for (unsigned i = 0; i < stats->layout.count; i++) {
		if (!strcmp(stats->rows[i].name, name))
			return ax_stats_at(stats, i, out);
	}
	return false;
}
