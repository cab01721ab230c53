/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaying: the recording's units are carried out one after the other on the caller's thread, and what
 * the handlers ask for and answer is held against it. The first difference ends it.
 */
#include <config.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/dispatch.h"
#include "core/error.h"
#include "core/record.h"
#include "core/replay.h"
#include "core/vcpu.h"
#include "core/vm.h"

#define STRING_OFFSET 4096 /* of string I/O in the pages of a vCPU: the second page */

static void AX_PRINTF(3, 4)
	differ(struct replay *replay, const struct record_item *recorded, const char *format, ...)
{
	AxReplayResult *result = replay->result;
	va_list args;

	if (replay->differs)
		return;
	replay->differs = true;
	result->end = AX_REPLAY_DIFFERENT;
	result->unit = replay->unit;
	result->byte = recorded->at;
	memcpy(result->device, replay->device, sizeof(result->device));
	record_text(recorded, result->recorded, sizeof(result->recorded));
	va_start(args, format);
	vsnprintf(result->came, sizeof(result->came), format, args);
	va_end(args);
}

/* One that came, said as the recorded ones are. */
static void differ_by(struct replay *replay, const struct record_item *recorded,
		      const struct record_item *came)
{
	char text[AX_REPLAY_TEXT];

	record_text(came, text, sizeof(text));
	differ(replay, recorded, "%s", text);
}

static void tell(struct replay *replay, const struct record_item *item)
{
	const AxReplayOptions *options = replay->options;
	char line[AX_REPLAY_TEXT + 48], text[AX_REPLAY_TEXT];
	bool inside = item->type == RECORD_INPUT || item->type == RECORD_OUTPUT ||
		      item->type == RECORD_DONE;

	if (!options->line || replay->unit < options->first || replay->unit > options->last ||
	    item->type == RECORD_LEAVE)
		return;
	record_text(item, text, sizeof(text));
	if (inside)
		snprintf(line, sizeof(line), "            %s", text);
	else
		snprintf(line, sizeof(line), "%8llu %s%s%s", (unsigned long long)replay->unit,
			 replay->device, *replay->device ? ": " : "", text);
	options->line(options->opaque, line);
}

/* The next record of the unit, which was found to be sound when the recording was opened. */
static void next(struct replay *replay, struct record_item *item)
{
	AxRecord *record = replay->record;

	do {
		(void)record_parse(record->bytes, record->len, replay->at, item);
		replay->at = item->next;
	} while (item->type == RECORD_FACT);
}

/* Put the next one back. */
static void unread(struct replay *replay, const struct record_item *item)
{
	replay->at = item->at;
}

static bool ends_unit(const struct record_item *item)
{
	return item->type == RECORD_DONE || item->type == RECORD_LEAVE;
}

void replay_input(AxRecord *record, uint32_t kind, uint64_t where, void *bytes, size_t len)
{
	struct replay *replay = record->replay;
	struct record_item item, came = { .type = RECORD_INPUT, .id = kind, .where = where };

	if (!replay || replay->differs) {
		memset(bytes, 0, len);
		return;
	}
	next(replay, &item);
	if (item.type == RECORD_INPUT && item.id == kind && item.where == where &&
	    item.len == len) {
		memcpy(bytes, item.bytes, len);
		replay->result->inputs++;
		tell(replay, &item);
		return;
	}
	if (ends_unit(&item))
		unread(replay, &item);
	memset(bytes, 0, len);
	came.bytes = NULL;
	came.len = len;
	differ_by(replay, &item, &came);
}

/* What an interrupt controller does when a line changed belongs to it, not to the device. */
static bool is_controllers(struct replay *replay, uint32_t kind)
{
	return replay->options->device && replay->line_changed &&
	       (kind == AX_RECORD_MESSAGE || kind == AX_RECORD_INJECT || kind == AX_RECORD_ROUTE);
}

static void next_output(struct replay *replay, struct record_item *item)
{
	do {
		next(replay, item);
	} while (item->type == RECORD_OUTPUT && is_controllers(replay, (uint32_t)item->id));
}

void replay_output(AxRecord *record, uint32_t kind, uint64_t where, const void *bytes, size_t len)
{
	struct replay *replay = record->replay;
	struct record_item item, came = {
		.type = RECORD_OUTPUT, .id = kind, .where = where, .bytes = bytes, .len = len
	};
	bool same;

	if (!replay || replay->differs || is_controllers(replay, kind))
		return;
	next_output(replay, &item);
	if (len > RECORD_OUTPUT_MAX)
		came.sum = record_sum(bytes, len);
	same = item.type == RECORD_OUTPUT && item.id == kind && item.where == where &&
	       item.len == len &&
	       (len > RECORD_OUTPUT_MAX ? item.sum == came.sum
					: !len || !memcmp(item.bytes, bytes, len));
	if (same) {
		replay->result->outputs++;
		replay->line_changed |= kind == AX_RECORD_LINE;
		tell(replay, &item);
		return;
	}
	if (ends_unit(&item))
		unread(replay, &item);
	differ_by(replay, &item, &came);
}

/* To the end of the unit, without looking. */
static void skip_unit(struct replay *replay)
{
	struct record_item item;

	do {
		next(replay, &item);
	} while (!ends_unit(&item));
}

/* The unit's last record; what stands before it and was not asked for is a difference. */
static void finish_unit(struct replay *replay, struct record_item *item)
{
	next_output(replay, item);
	if (ends_unit(item))
		return;
	differ(replay, item, "nothing more: the handler is done");
	skip_unit(replay);
}

/* As if KVM had just told of it. */
static void prepare_vcpu(AxVCpu *vcpu, struct record_item *item)
{
	AxVCpuExitReason *exit = &item->exit;
	struct kvm_run *run = vcpu->run;

	vcpu->pending = (struct pending){ .kind = (uint8_t)exit->kind };
	run->exit_reason = item->raw;
	switch (exit->kind) {
	case AX_EXIT_IO_READ:
		run->io.size = (uint8_t)(1u << exit->io_read.width);
		run->io.count = exit->io_read.count;
		run->io.data_offset = STRING_OFFSET;
		exit->io_read.bytes = (uint8_t *)run + STRING_OFFSET;
		memset(exit->io_read.bytes, 0, RECORD_STRING_MAX);
		break;
	case AX_EXIT_MMIO_READ: run->mmio.len = exit->mmio_read.len; break;
	case AX_EXIT_SYS_REG_READ: run->msr.reason = exit->sys_reg_read.reason; break;
	case AX_EXIT_SYS_REG_WRITE: run->msr.reason = exit->sys_reg_write.reason; break;
	case AX_EXIT_HYPERCALL:
		vcpu->pending.route = (uint8_t)exit->hypercall.route;
		vcpu->pending.block = exit->hypercall.block;
		break;
	case AX_EXIT_MMIO_WRITE:
	case AX_EXIT_IO_WRITE: break;
	default: vcpu->pending.kind = AX_EXIT_NOTHING; break;
	}
}

static void compare_answer(struct replay *replay, const struct record_item *exit,
			   const struct record_item *done, AxHandled handled, uint64_t answer,
			   int64_t error)
{
	struct record_item came = {
		.type = RECORD_DONE, .handled = handled, .answer = answer, .error = error
	};
	const AxExitIoRead *read = &exit->exit.io_read;

	if (exit->exit.kind == AX_EXIT_IO_READ && read->count > 1) {
		came.bytes = read->bytes;
		came.len = (size_t)read->count << read->width;
	}
	if (done->handled == came.handled && done->answer == answer && done->error == error &&
	    done->len == came.len && (!came.len || !memcmp(done->bytes, came.bytes, came.len)))
		return;
	differ_by(replay, done, &came);
}

static void replay_exit(struct replay *replay, struct record_item *item)
{
	AxVCpu *vcpu = ax_vm_vcpu(replay->vm, item->exit.vcpu);
	struct record_item done;
	AxHandled handled;
	int64_t error = 0;
	uint64_t answer;

	if (!vcpu) {
		differ(replay, item, "there is no vCPU %u", item->exit.vcpu);
		skip_unit(replay);
		return;
	}
	prepare_vcpu(vcpu, item);
	vcpu_enter_loop(vcpu);
	handled = dispatch_exit(vcpu, &item->exit, &answer);
	vcpu_leave_loop(vcpu);
	if (item->exit.kind == AX_EXIT_HYPERCALL)
		error = vcpu->pending.error;
	finish_unit(replay, &done);
	if (!replay->differs)
		compare_answer(replay, item, &done, handled, answer, error);
	replay->result->exits++;
	tell(replay, &done);
}

static void replay_call(struct replay *replay, const struct record_item *item)
{
	AxRecord *record = replay->record;
	struct record_item leave;
	bool found;

	record_begin(record, replay->device);
	switch (item->type) {
	case RECORD_TIMER:
		found = record_handle_call(record, HANDLE_TIMER, item->name, item->id, 0);
		break;
	case RECORD_WATCH:
		found = record_handle_call(record, HANDLE_WATCH, item->name, item->id, item->where);
		break;
	case RECORD_DEFER:
		found = record_handle_call(record, HANDLE_DEFER, item->name, item->id, 0);
		break;
	default:
		found = device_outside(replay->vm, item->name, (uint32_t)item->id, item->bytes,
				       item->len);
		break;
	}
	record_end(record);
	if (!found)
		differ(replay, item, "nobody is there to take it");
	finish_unit(replay, &leave);
	replay->result->calls++;
}

/* Not this device's, or one's that cannot be replayed. */
static bool is_passed_over(struct replay *replay)
{
	const char *wanted = replay->options->device;

	if (wanted && strcmp(wanted, replay->device) != 0)
		return true;
	return *replay->device && ax_record_refusal(replay->record, replay->device);
}

static void replay_unit(struct replay *replay, struct record_item *item)
{
	replay->unit++;
	replay->line_changed = false;
	record_unit_name(replay->vm, item, replay->device);
	if (is_passed_over(replay)) {
		skip_unit(replay);
		replay->result->passed++;
		return;
	}
	tell(replay, item);
	if (item->type == RECORD_EXIT)
		replay_exit(replay, item);
	else
		replay_call(replay, item);
}

/*
 * The calling thread answers for all of them, or no longer does. Nothing runs: there is nobody to be woken,
 * and no timer for that.
 */
static void own_vcpus(AxVm *vm, bool own)
{
	AxVCpu *vcpu;

	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(vm, i)); i++) {
		__atomic_store_n(&vcpu->owner, pthread_self(), __ATOMIC_RELAXED);
		atomic_store(&vcpu->owner_tid, own ? (pid_t)syscall(SYS_gettid) : 0);
		vcpu_set_state(vcpu, own ? AX_VCPU_READY : AX_VCPU_FREE);
	}
}

static int check(AxRecord *record, AxVm *vm, const AxReplayOptions *options,
		 const AxReplayResult *result, AxError *err)
{
	if (options->size < sizeof(*options) || result->size < sizeof(*result))
		return ax_error_argument(err, -EINVAL,
					 "a replay's struct has no size: use its INIT macro");
	if (!record->is_replay || vm->record != record)
		return ax_error_state(err, "the VM was not created for this recording's replay");
	if (record->replay || record->finished)
		return ax_error_state(err, "the recording was replayed already: open it again");
	if (options->device && !record_has_device(vm, options->device))
		return ax_error_argument(err, -ENOENT, "%s: there is no device \"%s\" here",
					 record->name, options->device);
	return 0;
}

int ax_replay_run(AxRecord *record, AxVm *vm, const AxReplayOptions *options,
		  AxReplayResult *result, AxError *err)
{
	static const AxReplayOptions defaults = AX_REPLAY_OPTIONS_INIT;
	struct replay replay = { .record = record, .vm = vm, .result = result };
	struct record_item item;
	int ret;

	replay.options = options ? options : &defaults;
	ret = check(record, vm, replay.options, result, err);
	if (ret)
		return ret;
	*result = (AxReplayResult){ .size = result->size };
	replay.at = RECORD_HEADER_SIZE;
	record->replay = &replay;
	own_vcpus(vm, true);
	while (!replay.differs && replay.unit < record->unit_count) {
		next(&replay, &item);
		replay_unit(&replay, &item);
	}
	own_vcpus(vm, false);
	record->replay = NULL;
	record->finished = true;
	if (!replay.differs && record->damage) {
		result->end = AX_REPLAY_DAMAGED;
		result->unit = record->unit_count;
		result->byte = record->end;
		snprintf(result->recorded, sizeof(result->recorded), "%s", record->damage);
	}
	return 0;
}
