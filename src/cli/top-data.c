/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top: asking VMs, and what two answers make of each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "cli/top.h"

#define REASONS_MAX 64

uint64_t top_number(const struct json_value *object, const char *key)
{
	uint64_t value = 0;

	parse_number(control_text(object, key), UINT64_MAX, &value);
	return value;
}

static void forget(struct top_vm *vm)
{
	control_link_close(&vm->link);
	json_free(vm->before);
	json_free(vm->now);
}

/* One question on a connection that stays; a new one when the VM has closed it. */
static struct json_value *ask(struct top_vm *vm)
{
	struct json_value *answer = NULL;

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (vm->link.fd < 0 && control_link_open(&vm->link, vm->name, true))
			return NULL;
		if (!control_link_ask(&vm->link, "{\"request\":\"stats\"}\n", &answer))
			return answer;
		json_free(answer);
		answer = NULL;
		control_link_close(&vm->link);
	}
	return NULL;
}

static void ask_again(struct top_vm *vm)
{
	struct json_value *answer = ask(vm);

	vm->seen = answer;
	if (!answer)
		return;
	json_free(vm->before);
	vm->before = vm->now;
	vm->now = answer;
	/* After a reboot, or when another VM has taken the name, counters begin again. */
	if (vm->before &&
	    (strcmp(control_text(vm->before, "pid"), control_text(answer, "pid")) != 0 ||
	     strcmp(control_text(vm->before, "reboots"), control_text(answer, "reboots")) != 0)) {
		json_free(vm->before);
		vm->before = NULL;
	}
}

static bool is_known(const struct top *top, const char *name)
{
	for (size_t i = 0; i < top->count; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): counted are those in vms */
		if (!strcmp(top->vms[i].name, name))
			return true;
	}
	return false;
}

/* False: no memory. */
static bool add(struct top *top, const char *name)
{
	struct top_vm *vms;

	if (is_known(top, name))
		return true;
	vms = realloc(top->vms, (top->count + 1) * sizeof(*vms));
	if (!vms)
		return false;
	top->vms = vms;
	vms[top->count] = (struct top_vm){ .link.fd = -1 };
	snprintf(vms[top->count].name, sizeof(vms[0].name), "%s", name);
	top->count++;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct top_vm *)a)->name, ((const struct top_vm *)b)->name);
}

static int find_all(struct top *top)
{
	char **names;
	int count = control_names(&names);
	bool fits = true;

	if (count < 0)
		return STATUS_HOST;
	for (int i = 0; i < count && fits; i++)
		fits = add(top, names[i]);
	control_names_free(names, count);
	if (top->count)
		qsort(top->vms, top->count, sizeof(top->vms[0]), by_name);
	if (fits)
		return STATUS_OK;
	cli_message("there is no memory left");
	return STATUS_HOST;
}

static int find_wanted(struct top *top)
{
	for (char *const *name = top->wanted; *name; name++) {
		struct control_link link;
		int ret = control_link_open(&link, *name, false);

		if (ret)
			return ret == -EINVAL ? STATUS_USAGE : STATUS_HOST;
		control_link_close(&link);
		if (!add(top, *name)) {
			cli_message("there is no memory left");
			return STATUS_HOST;
		}
	}
	return STATUS_OK;
}

int top_ask(struct top *top)
{
	size_t kept = 0;
	int status = STATUS_OK;

	if (!*top->wanted)
		status = find_all(top);
	else if (!top->vms)
		status = find_wanted(top);
	if (status)
		return status;
	for (size_t i = 0; i < top->count; i++) {
		ask_again(&top->vms[i]);
		if (top->vms[i].seen)
			top->vms[kept++] = top->vms[i];
		else
			forget(&top->vms[i]);
	}
	top->count = kept;
	return STATUS_OK;
}

void top_free(struct top *top)
{
	for (size_t i = 0; i < top->count; i++)
		forget(&top->vms[i]);
	free(top->vms);
	top->vms = NULL;
	top->count = 0;
}

double top_rate(const struct top_vm *vm, const struct json_value *now,
		const struct json_value *before, const char *key)
{
	uint64_t end = top_number(vm->now, "time_ns"), begin = top_number(vm->before, "time_ns");
	uint64_t new = top_number(now, key), old = top_number(before, key);

	if (!vm->before || end <= begin || new < old)
		return 0;
	return (double)(new - old) * 1e9 / (double)(end - begin);
}

/* The object of @list whose member @key is the same as that of @like. */
static const struct json_value *same(const struct json_value *list, const struct json_value *like,
				     const char *key)
{
	for (const struct json_value *at = list ? list->first : NULL; at; at = at->next) {
		if (!strcmp(control_text(at, key), control_text(like, key)))
			return at;
	}
	return NULL;
}

static const struct json_value *member(const struct json_value *value, const char *a, const char *b)
{
	return json_member(json_member(value, a), b);
}

double top_vcpu_exits(const struct top_vm *vm, const struct json_value *vcpu)
{
	const struct json_value *exits = json_member(vcpu, "exits");
	const struct json_value *before =
		json_member(same(json_member(vm->before, "vcpus"), vcpu, "id"), "exits");
	double sum = 0;

	for (const struct json_value *e = exits ? exits->first : NULL; e; e = e->next)
		sum += top_rate(vm, exits, before, e->key);
	return sum;
}

double top_exits(const struct top_vm *vm)
{
	const struct json_value *exits = json_member(vm->now, "exits");
	double sum = 0;

	for (const struct json_value *e = exits ? exits->first : NULL; e; e = e->next)
		sum += top_rate(vm, exits, json_member(vm->before, "exits"), e->key);
	return sum;
}

static int most_first(const void *a, const void *b)
{
	double x = ((const struct top_rate *)a)->per_s, y = ((const struct top_rate *)b)->per_s;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Counters of @now that grew, added to @count that are there already. */
static size_t add_rates(const struct top_vm *vm, const struct json_value *now,
			const struct json_value *before, struct top_rate *rates, size_t count,
			size_t max)
{
	for (const struct json_value *at = now ? now->first : NULL; at && count < max;
	     at = at->next) {
		double rate = top_rate(vm, now, before, at->key);

		if (rate > 0)
			rates[count++] = (struct top_rate){ at->key, rate };
	}
	return count;
}

size_t top_reasons(const struct top_vm *vm, struct top_rate *rates, size_t max)
{
	size_t count = add_rates(vm, json_member(vm->now, "exits"),
				 json_member(vm->before, "exits"), rates, 0, max);

	qsort(rates, count, sizeof(*rates), most_first);
	return count;
}

size_t top_kvm(const struct top_vm *vm, struct top_rate *rates, size_t max)
{
	static const char *const groups[] = { "vcpus", "vm" };
	const struct json_value *now = json_member(vm->now, "kvm");
	const struct json_value *before = json_member(vm->before, "kvm");
	size_t count = 0;

	for (size_t i = 0; i < 2; i++)
		count = add_rates(vm, member(now, groups[i], "counts"),
				  member(before, groups[i], "counts"), rates, count, max);
	qsort(rates, count, sizeof(*rates), most_first);
	return count;
}

static double heat(const struct top_device *device)
{
	return device->exits > device->notifications ? device->exits : device->notifications;
}

bool top_is_busy(const struct top_device *device)
{
	return heat(device) > 0;
}

static int hottest_first(const void *a, const void *b)
{
	double x = heat(a), y = heat(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static struct top_device *device_of(struct top_device *devices, size_t *count, size_t max,
				    const char *name)
{
	for (size_t i = 0; i < *count; i++) {
		if (!strcmp(devices[i].name, name))
			return &devices[i];
	}
	if (*count == max)
		return NULL;
	devices[*count] = (struct top_device){ .name = name };
	return &devices[(*count)++];
}

size_t top_devices(const struct top_vm *vm, struct top_device *devices, size_t max)
{
	const struct json_value *virtio = json_member(vm->now, "devices");
	const struct json_value *sampled = json_member(vm->now, "sampled");
	size_t count = 0;

	for (const struct json_value *at = virtio ? virtio->first : NULL; at; at = at->next) {
		const struct json_value *old = same(json_member(vm->before, "devices"), at, "name");
		struct top_device *device =
			device_of(devices, &count, max, control_text(at, "name"));

		if (!device)
			break;
		device->notifications = top_rate(vm, at, old, "notifications");
		device->requests = top_rate(vm, at, old, "chains");
		device->interrupts = top_rate(vm, at, old, "interrupts");
	}
	for (const struct json_value *at = sampled ? sampled->first : NULL; at; at = at->next) {
		struct top_device *device =
			device_of(devices, &count, max, control_text(at, "device"));

		if (!device)
			break;
		device->exits = top_rate(
			vm, at, same(json_member(vm->before, "sampled"), at, "device"), "exits");
	}
	qsort(devices, count, sizeof(*devices), hottest_first);
	return count;
}
