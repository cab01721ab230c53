/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run tells "axvmm top". See live.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/axvmm.h>

#include "cli/live.h"

/* A sample so often, until nobody has asked for so long. */
#define SAMPLE_NS 10000000u
#define LOOK_NS	  5000000000u

/* Devices with a count of their own; what others do is counted together. */
#define PLACES 48

struct place {
	char device[AX_ACCESS_DEVICE_SIZE];
	uint64_t exits;
};

struct live {
	AxHost *host;
	AxTimer *timer;
	uint64_t until_ns; /* 0: nobody looks */
	AxVm *vm;	   /* NULL: between two */
	unsigned vcpus;
	uint64_t *seen;	     /* of each vCPU: accesses up to the last sample */
	AxStats *kvm;	     /* NULL: kvm_error says why */
	AxStats **kvm_vcpus; /* the same number; NULL each or none */
	AxError kvm_error;
	struct place places[PLACES];
	unsigned place_count;
};

/* Exits that are an access of MMIO or a port. */
static uint64_t count_accesses(const AxVCpu *vcpu)
{
	uint64_t counts[AX_EXIT_KINDS];

	ax_vcpu_exit_counts(vcpu, counts);
	return counts[AX_EXIT_MMIO_READ] + counts[AX_EXIT_MMIO_WRITE] + counts[AX_EXIT_IO_READ] +
	       counts[AX_EXIT_IO_WRITE];
}

static struct place *place_of(struct live *live, const char *device)
{
	for (unsigned i = 0; i < live->place_count; i++) {
		if (!strcmp(live->places[i].device, device))
			return &live->places[i];
	}
	if (live->place_count == PLACES)
		return &live->places[PLACES - 1];
	snprintf(live->places[live->place_count].device, AX_ACCESS_DEVICE_SIZE, "%s",
		 live->place_count == PLACES - 1 ? "others" : device);
	return &live->places[live->place_count++];
}

/*
 * All accesses since the last sample are put down to the device of the newest. While the guest runs KVM
 * may say of none what it was: then they wait for the next sample.
 */
static void sample(struct live *live, bool first)
{
	for (unsigned i = 0; i < live->vcpus; i++) {
		const AxVCpu *vcpu = ax_vm_vcpu_at(live->vm, i);
		uint64_t now = count_accesses(vcpu), before = live->seen[i];
		AxAccess access = AX_ACCESS_INIT;

		if (!first && (now == before || !ax_vcpu_last_access(vcpu, &access)))
			continue;
		live->seen[i] = now;
		if (!first)
			place_of(live, access.device[0] ? access.device : "unclaimed")->exits +=
				now - before;
	}
}

static void on_timer(void *opaque)
{
	struct live *live = opaque;
	uint64_t now = ax_host_now(live->host);

	if (!live->vm || now > live->until_ns) {
		live->until_ns = 0;
		return;
	}
	sample(live, false);
	ax_timer_arm(live->timer, now + SAMPLE_NS);
}

/* Somebody looks. */
static void keep_sampling(struct live *live)
{
	uint64_t now = ax_host_now(live->host);
	bool first = !live->until_ns;

	live->until_ns = now + LOOK_NS;
	/* An answer has at least one sample between it and the one before. */
	sample(live, first);
	if (first)
		ax_timer_arm(live->timer, now + SAMPLE_NS);
}

struct live *live_new(AxHost *host)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return NULL;
	live->host = host;
	live->timer = ax_timer_new(host, on_timer, live);
	if (live->timer)
		return live;
	free(live);
	return NULL;
}

static void close_kvm(struct live *live)
{
	for (unsigned i = 0; live->kvm_vcpus && i < live->vcpus; i++)
		ax_stats_free(live->kvm_vcpus[i]);
	free(live->kvm_vcpus);
	ax_stats_free(live->kvm);
	live->kvm_vcpus = NULL;
	live->kvm = NULL;
}

/* Now: of a vCPU inside the guest KVM would not tell before it is out. */
static void open_kvm(struct live *live)
{
	int ret = ax_vm_stats_open(live->vm, &live->kvm, &live->kvm_error);

	live->kvm_vcpus = ret ? NULL : calloc(live->vcpus, sizeof(AxStats *));
	for (unsigned i = 0; live->kvm_vcpus && i < live->vcpus && !ret; i++)
		ret = ax_vcpu_stats_open(ax_vm_vcpu_at(live->vm, i), &live->kvm_vcpus[i],
					 &live->kvm_error);
	if (ret || !live->kvm_vcpus)
		close_kvm(live);
}

void live_attach(struct live *live, AxMachine *machine)
{
	if (!live)
		return;
	live->vm = ax_machine_vm(machine);
	live->vcpus = 0;
	while (ax_vm_vcpu_at(live->vm, live->vcpus))
		live->vcpus++;
	live->seen = calloc(live->vcpus ? live->vcpus : 1, sizeof(live->seen[0]));
	if (!live->seen)
		live->vcpus = 0;
	open_kvm(live);
	live->until_ns = 0;
}

void live_detach(struct live *live)
{
	if (!live || !live->vm)
		return;
	ax_timer_arm(live->timer, UINT64_MAX);
	close_kvm(live);
	free(live->seen);
	live->seen = NULL;
	live->vm = NULL;
	live->vcpus = 0;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	live_detach(live);
	ax_timer_free(live->timer);
	free(live);
}

/* Of the whole process: the guest's RAM as far as it was touched, and what is ours. */
static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;
	char text[128], *resident;

	if (!file)
		return 0;
	/* The second number: proc(5). */
	if (fgets(text, sizeof(text), file)) {
		resident = strchr(text, ' ');
		pages = resident ? strtoul(resident, NULL, 10) : 0;
	}
	fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What KVM says of a vCPU that sleeps inside of it, where it says so. */
static bool is_halted(const AxStats *stats)
{
	AxStat stat = AX_STAT_INIT;

	return stats && ax_stats_find(stats, "blocking", &stat) && stat.values[0];
}

static void put_vcpu(struct live *live, unsigned index, struct json *json, bool paused)
{
	const AxVCpu *vcpu = ax_vm_vcpu_at(live->vm, index);
	AxVCpuState state = ax_vcpu_state(vcpu);
	uint64_t counts[AX_EXIT_KINDS];

	ax_vcpu_exit_counts(vcpu, counts);
	json_open(json, '{');
	json_key(json, "id");
	json_number(json, ax_vcpu_id(vcpu));
	json_key(json, "state");
	json_string(json, paused ? "Paused"
			  : state == AX_VCPU_RUNNING && live->kvm_vcpus &&
					  is_halted(live->kvm_vcpus[index])
				  ? "Halted"
				  : ax_vcpu_state_name(state));
	json_key(json, "exits");
	json_open(json, '{');
	for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++) {
		if (!counts[kind])
			continue;
		json_key(json, ax_exit_name((AxVCpuExitKind)kind));
		json_number(json, counts[kind]);
	}
	json_close(json, '}');
	json_close(json, '}');
}

/* One kind of statistics, summed over @count of the same. Histograms are left out. */
static void put_sums(AxStats *const *stats, unsigned count, bool counts, struct json *json)
{
	AxStat stat = AX_STAT_INIT, other = AX_STAT_INIT;

	json_key(json, counts ? "counts" : "now");
	json_open(json, '{');
	for (unsigned i = 0; count && ax_stats_at(stats[0], i, &stat); i++) {
		uint64_t sum = 0;

		if (stat.count != 1 || (stat.kind == AX_STAT_CUMULATIVE) != counts)
			continue;
		for (unsigned k = 0; k < count; k++) {
			if (ax_stats_at(stats[k], i, &other))
				sum += other.values[0];
		}
		json_key(json, stat.name);
		json_number(json, sum);
	}
	json_close(json, '}');
}

static void put_kvm(struct live *live, struct json *json)
{
	json_key(json, "kvm");
	if (!live->kvm) {
		json_string(json, NULL);
		json_key(json, "kvm_error");
		json_string(json, live->kvm_error.message);
		return;
	}
	json_open(json, '{');
	json_key(json, "vm");
	json_open(json, '{');
	put_sums(&live->kvm, 1, true, json);
	put_sums(&live->kvm, 1, false, json);
	json_close(json, '}');
	json_key(json, "vcpus");
	json_open(json, '{');
	put_sums(live->kvm_vcpus, live->vcpus, true, json);
	put_sums(live->kvm_vcpus, live->vcpus, false, json);
	json_close(json, '}');
	json_close(json, '}');
}

/* What was there before stays where KVM fails. */
static void read_kvm(struct live *live)
{
	if (!live->kvm)
		return;
	ax_stats_read(live->kvm, NULL);
	for (unsigned i = 0; i < live->vcpus; i++)
		ax_stats_read(live->kvm_vcpus[i], NULL);
}

void live_put(struct live *live, struct json *json, bool paused)
{
	keep_sampling(live);
	read_kvm(live);
	json_key(json, "time_ns");
	json_number(json, ax_host_now(live->host));
	json_key(json, "resident");
	json_number(json, resident_bytes());
	json_key(json, "vcpus");
	json_open(json, '[');
	for (unsigned i = 0; i < live->vcpus; i++)
		put_vcpu(live, i, json, paused);
	json_close(json, ']');
	json_key(json, "sampled");
	json_open(json, '[');
	for (unsigned i = 0; i < live->place_count; i++) {
		json_open(json, '{');
		json_key(json, "device");
		json_string(json, live->places[i].device);
		json_key(json, "exits");
		json_number(json, live->places[i].exits);
		json_close(json, '}');
	}
	json_close(json, ']');
	put_kvm(live, json);
}
