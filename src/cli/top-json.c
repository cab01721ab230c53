/* SPDX-License-Identifier: Apache-2.0 */
/*
 * axvmm top --json: for scripts; the manual has the format (TOP FORMAT).
 */
#include "cli/json.h"
#include "cli/top.h"

#define ROWS_MAX 64

static void write_stdout(void *opaque, const char *bytes, size_t len)
{
	(void)opaque;
	fwrite(bytes, 1, len, stdout);
}

static void put_rate(struct json *json, const char *key, double rate)
{
	char text[40];

	/* No locale is set, so that the point is one. */
	snprintf(text, sizeof(text), "%.1f", rate);
	json_key(json, key);
	json_raw(json, text);
}

static void put_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

static void copy_number(struct json *json, const struct json_value *from, const char *key)
{
	json_key(json, key);
	json_number(json, top_number(from, key));
}

/* Every counter of @now as a rate, those that stand still, too. */
static void put_rates(struct json *json, const char *key, const struct top_vm *vm,
		      const struct json_value *now, const struct json_value *before)
{
	json_key(json, key);
	json_open(json, '{');
	for (const struct json_value *at = now ? now->first : NULL; at; at = at->next)
		put_rate(json, at->key, top_rate(vm, now, before, at->key));
	json_close(json, '}');
}

static void put_vcpus(struct json *json, const struct top_vm *vm)
{
	const struct json_value *vcpus = json_member(vm->now, "vcpus");

	json_key(json, "vcpus");
	json_open(json, '[');
	for (const struct json_value *at = vcpus ? vcpus->first : NULL; at; at = at->next) {
		json_open(json, '{');
		copy_number(json, at, "id");
		put_text(json, "state", control_text(at, "state"));
		put_rate(json, "exits_per_s", top_vcpu_exits(vm, at));
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_devices(struct json *json, const struct top_vm *vm)
{
	struct top_device devices[ROWS_MAX];
	size_t count = top_devices(vm, devices, ROWS_MAX);

	put_text(json, "hottest", count && top_is_busy(&devices[0]) ? devices[0].name : NULL);
	json_key(json, "devices");
	json_open(json, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(json, '{');
		put_text(json, "name", devices[i].name);
		put_rate(json, "exits_per_s", devices[i].exits);
		put_rate(json, "notifications_per_s", devices[i].notifications);
		put_rate(json, "requests_per_s", devices[i].requests);
		put_rate(json, "interrupts_per_s", devices[i].interrupts);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_group(struct json *json, const struct top_vm *vm, const char *group)
{
	const struct json_value *now = json_member(json_member(vm->now, "kvm"), group);
	const struct json_value *before = json_member(json_member(vm->before, "kvm"), group);
	const struct json_value *instant = json_member(now, "now");

	json_key(json, group);
	json_open(json, '{');
	put_rates(json, "per_s", vm, json_member(now, "counts"), json_member(before, "counts"));
	json_key(json, "now");
	json_open(json, '{');
	for (const struct json_value *at = instant ? instant->first : NULL; at; at = at->next)
		copy_number(json, instant, at->key);
	json_close(json, '}');
	json_close(json, '}');
}

static void put_kvm(struct json *json, const struct top_vm *vm)
{
	json_key(json, "kvm");
	if (json_member(vm->now, "kvm_error")) {
		json_string(json, NULL);
		put_text(json, "kvm_error", control_text(vm->now, "kvm_error"));
		return;
	}
	json_open(json, '{');
	put_group(json, vm, "vm");
	put_group(json, vm, "vcpus");
	json_close(json, '}');
}

static void put_vm(struct json *json, const struct top_vm *vm)
{
	json_open(json, '{');
	put_text(json, "name", vm->name);
	put_text(json, "state", control_text(vm->now, "state"));
	copy_number(json, vm->now, "pid");
	copy_number(json, vm->now, "uptime_ms");
	copy_number(json, vm->now, "cpus");
	copy_number(json, vm->now, "memory");
	copy_number(json, vm->now, "resident");
	copy_number(json, vm->now, "reboots");
	put_rate(json, "exits_per_s", top_exits(vm));
	put_rates(json, "exits", vm, json_member(vm->now, "exits"),
		  json_member(vm->before, "exits"));
	put_vcpus(json, vm);
	put_devices(json, vm);
	put_kvm(json, vm);
	json_close(json, '}');
}

void top_print_json(const struct top *top, double interval)
{
	struct json json;
	char buffer[512];

	json_init(&json, buffer, sizeof(buffer), write_stdout, NULL);
	json_open(&json, '{');
	put_rate(&json, "interval_s", interval);
	json_key(&json, "vms");
	json_open(&json, '[');
	for (size_t i = 0; i < top->count; i++)
		put_vm(&json, &top->vms[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	json_newline(&json);
	json_flush(&json);
}
