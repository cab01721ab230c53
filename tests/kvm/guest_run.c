/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an embedded guest as its row says; see guest_run.h.
 */
#include "guest_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guests/abi.h"
#include "guests/words.h"

#define MILLISECOND UINT64_C(1000000)

/*
 * How long a guest that never ends is watched, and one of which it is known that it may hang here.
 */
#define NEVER_NS  (50 * MILLISECOND)
#define EXCUSE_NS (1500 * MILLISECOND)

/* What is typed to a guest that needs "console-input", one byte at a time: its "q" ends it. */
static const char typed_text[] = "ax~q";
#define TYPE_NS (5 * MILLISECOND)

const struct embedded_guest *guest_named(const char *name)
{
	const struct embedded_guest *guest = embedded_guest_find(name);

	ck_assert_msg(guest != NULL, "there is no guest \"%s\"", name);
	return guest;
}

/* The console's output comes one call at a time. */
static void collect(void *opaque, const uint8_t *bytes, size_t len)
{
	struct guest_run *run = opaque;

	for (size_t i = 0; i < len && run->output_len + i < GUEST_OUTPUT_SIZE - 1; i++)
		run->output[run->output_len + i] = (char)bytes[i];
	run->output_len += len;
}

static void stop(void *opaque)
{
	struct guest_run *run = opaque;

	ax_machine_stop(run->machine, GUEST_RUN_STOPPED);
}

/*
 * Typing begins when there is room, again and again, because the guest empties the receiver at its
 * start.
 */
static void type(void *opaque)
{
	struct guest_run *run = opaque;

	if (ax_machine_input_room(run->machine))
		ax_machine_input(run->machine, &typed_text[run->typed++ % (sizeof(typed_text) - 1)],
				 1);
	ax_timer_arm(run->type_timer, ax_host_now(run->host) + TYPE_NS);
}

static void nothing(void *opaque)
{
}

static void *run_host(void *opaque)
{
	struct guest_run *run = opaque;

	while (!atomic_load(&run->thread_ends))
		ax_loop_dispatch(run->host, -1, NULL);
	return NULL;
}

static void begin_host(struct guest_run *run)
{
	uint64_t now = ax_host_now(run->host);

	if (run->stop_after_ns)
		ax_timer_arm(run->stop_timer, now + run->stop_after_ns);
	if (embedded_guest_needs(run->guest, "console-input"))
		ax_timer_arm(run->type_timer, now + TYPE_NS);
	atomic_store(&run->thread_ends, false);
	ck_assert_int_eq(pthread_create(&run->thread, NULL, run_host, run), 0);
}

static void end_host(struct guest_run *run)
{
	atomic_store(&run->thread_ends, true);
	ck_assert_int_eq(ax_host_defer(run->host, nothing, NULL), 0);
	pthread_join(run->thread, NULL);
}

static uint64_t time_of(const struct embedded_guest *guest, const struct guest_variant *variant)
{
	if (variant->stop_after_ns)
		return variant->stop_after_ns;
	if (!strcmp(guest->end, "never"))
		return NEVER_NS;
	return guest_excuse(guest) ? EXCUSE_NS : 0;
}

/* The devices that the guest needs: owned by @run. */
static int make_devices(struct guest_run *run, AxMachineOptions *options, AxError *err)
{
	AxVirtioRngConfig config = AX_VIRTIO_RNG_CONFIG_INIT;
	int ret = 0;

	config.host = run->host;
	if (embedded_guest_needs(run->guest, "rng")) {
		ret = ax_virtio_rng_new(&config, &run->rng, err);
		options->devices = &run->rng;
		options->device_count = 1;
	}
	return ret;
}

static int make_machine(struct guest_run *run, const struct guest_variant *variant, AxError *err)
{
	const struct embedded_guest *guest = run->guest;
	AxMachineOptions options = AX_MACHINE_OPTIONS_INIT;
	AxImageSource image = AX_IMAGE_SOURCE_INIT;
	AxLoadOptions load = AX_LOAD_OPTIONS_INIT;
	int ret;

	image.name = guest->name;
	image.bytes = guest->image;
	image.len = guest->size;
	if (guest->flat) {
		load.given = AX_HINT_MODE | AX_HINT_LOAD;
		load.mode = embedded_guest_mode(guest->mode);
		load.load = guest->load;
	}
	options.image = &image;
	options.load = &load;
	options.memory = guest->memory;
	options.cpus = variant->cpus ? variant->cpus : guest->cpus;
	options.irqchip =
		embedded_guest_irqchip(variant->irqchip ? variant->irqchip : guest->irqchip);
	options.features = embedded_guest_features(guest) | variant->features;
	options.power = embedded_guest_power(guest);
	if (embedded_guest_needs(guest, "unclaimed-stop"))
		options.unclaimed = AX_UNCLAIMED_STOP;
	if (variant->unclaimed)
		options.unclaimed = variant->unclaimed - 1;
	options.host = run->host;
	options.console = (AxCharSink){ .write = collect, .opaque = run };
	ret = make_devices(run, &options, err);
	return ret ? ret : ax_machine_new(&options, &run->machine, err);
}

/* What is done to the machine before it runs. */
static int prepare(struct guest_run *run, const struct guest_variant *variant, AxError *err)
{
	AxVm *vm = ax_machine_vm(run->machine);
	uint64_t breakpoint = run->guest->load + AX_GUEST_HWBREAK;
	int ret = 0;

	if (embedded_guest_needs(run->guest, "guest-debug"))
		ret = ax_vcpu_set_debug(ax_vm_vcpu_at(vm, 0), false, &breakpoint, 1, err);
	else if (embedded_guest_needs(run->guest, "guest-ebreak"))
		ret = ax_vcpu_set_debug(ax_vm_vcpu_at(vm, 0), false, &breakpoint, 0, err);
	if (!ret && variant->observer)
		ret = ax_observer_set(vm, variant->observer, variant->observer_opaque, err);
	return ret;
}

static void free_all(struct guest_run *run)
{
	ax_machine_free(run->machine);
	ax_virtio_free(run->rng);
	ax_timer_free(run->stop_timer);
	ax_timer_free(run->type_timer);
	ax_host_free(run->host);
}

int guest_open(struct guest_run *run, const struct embedded_guest *guest,
	       const struct guest_variant *variant, AxError *err)
{
	static const struct guest_variant as_the_row_says;
	int ret;

	if (!variant)
		variant = &as_the_row_says;
	memset(run, 0, sizeof(*run));
	run->guest = guest;
	run->stop_after_ns = time_of(guest, variant);
	ck_ok(ax_host_new(NULL, NULL, &run->host, err), *err);
	run->stop_timer = ax_timer_new(run->host, stop, run);
	run->type_timer = ax_timer_new(run->host, type, run);
	ck_assert(run->stop_timer && run->type_timer);
	ret = make_machine(run, variant, err);
	if (!ret)
		ret = prepare(run, variant, err);
	if (ret) {
		free_all(run);
		return ret;
	}
	kvm_watch(ax_machine_vm(run->machine));
	return 0;
}

int guest_go(struct guest_run *run, AxError *err)
{
	int ret;

	run->result = (AxMachineResult)AX_MACHINE_RESULT_INIT;
	begin_host(run);
	ret = ax_machine_run(run->machine, &run->result, err);
	end_host(run);
	return ret;
}

void guest_close(struct guest_run *run)
{
	kvm_unwatch(ax_machine_vm(run->machine));
	free_all(run);
}

/* The list's words for the ends, and what they are for a machine. */
static const struct end_word {
	const char *word;
	uint32_t end; /* an AxMachineEnd */
} end_words[] = {
	{ "code", AX_MACHINE_CODE },
	{ "debug-exit", AX_MACHINE_CODE },
	{ "assertion", AX_MACHINE_ASSERTION },
	{ "reset", AX_MACHINE_RESET },
	{ "triple-fault", AX_MACHINE_TRIPLE_FAULT },
	{ "power-off", AX_MACHINE_POWER_OFF },
	{ "crash", AX_MACHINE_CRASH },
	{ "suspend", AX_MACHINE_SUSPEND },
	{ "halt", AX_MACHINE_HALTED },
	{ "fail-entry", AX_MACHINE_FAIL_ENTRY },
	{ "internal-error", AX_MACHINE_INTERNAL_ERROR },
	{ "unclaimed", AX_MACHINE_UNHANDLED },
	{ "debug", AX_MACHINE_UNHANDLED },
	{ "never", AX_MACHINE_STOPPED },
};

static const struct end_word *end_word_of(const struct embedded_guest *guest)
{
	for (size_t i = 0; i < sizeof(end_words) / sizeof(end_words[0]); i++) {
		if (!strcmp(end_words[i].word, guest->end))
			return &end_words[i];
	}
	ck_abort_msg("guests.list: \"%s\" is an end that this test does not know", guest->end);
	return NULL;
}

/* The number that goes with the end, or the kind of the exit behind it. */
static bool detail_is_right(const struct guest_run *run)
{
	const AxMachineResult *result = &run->result;
	const char *word = run->guest->end;

	if (!strcmp(word, "code"))
		return result->code == run->guest->end_value;
	if (!strcmp(word, "debug-exit"))
		return result->code == ((int64_t)run->guest->end_value << 1 | 1);
	if (!strcmp(word, "assertion"))
		return result->line == run->guest->end_value;
	if (!strcmp(word, "never"))
		return result->code == GUEST_RUN_STOPPED;
	if (!strcmp(word, "debug"))
		return result->exit.kind == AX_EXIT_DEBUG;
	if (!strcmp(word, "unclaimed"))
		return result->exit.kind >= AX_EXIT_MMIO_READ &&
		       result->exit.kind <= AX_EXIT_IO_WRITE;
	return true;
}

bool guest_ended_well(const struct guest_run *run, char *why, size_t size)
{
	const AxMachineResult *result = &run->result;
	char exit[160] = "";

	if (result->exit.kind != AX_EXIT_NOTHING)
		ax_exit_format(&result->exit, exit, sizeof(exit));
	snprintf(why, size,
		 "guest %s: ended with %s (code %" PRId64 ", line %" PRIu64 ": actual 0x%" PRIx64
		 ", expected 0x%" PRIx64
		 ") on vCPU %u %s; its row says %s:%u; it printed \"%.200s\"",
		 run->guest->name, ax_machine_end_name(result->end), result->code, result->line,
		 result->actual, result->expected, result->vcpu, exit, run->guest->end,
		 run->guest->end_value, run->output);
	return result->end == end_word_of(run->guest)->end && detail_is_right(run);
}

static bool has_capability(const char *name)
{
	AxProbeCapability capability = { .size = sizeof(capability) };
	AxError err = AX_ERROR_INIT;
	bool works = false;
	AxProbe *probe;

	ck_ok(ax_probe_new(NULL, &probe, &err), err);
	for (unsigned i = 0; ax_probe_capability(probe, i, &capability); i++) {
		if (!strcmp(capability.name, name))
			works = capability.works;
	}
	ax_probe_free(probe);
	return works;
}

/* What a machine cannot tell when it is made: it takes accesses that it knows nothing of as they come. */
static const char *excuse_of_kvm(const struct embedded_guest *guest)
{
	if (!embedded_guest_needs(guest, "nisv"))
		return NULL;
	if (!has_capability("ARM_NISV_TO_USER"))
		return "this KVM has no KVM_CAP_ARM_NISV_TO_USER";
	if (!has_capability("ARM_INJECT_EXT_DABT"))
		return "this KVM has no KVM_CAP_ARM_INJECT_EXT_DABT";
	return NULL;
}

/* What a guest that ended with AX_GUEST_CODE_LACKING did not find. */
static const char *lacking(const struct embedded_guest *guest)
{
	if (embedded_guest_needs(guest, "zkr"))
		return "this processor has no seed CSR for guests (Zkr)";
	if (embedded_guest_needs(guest, "aia"))
		return "this processor has no stopei and sireg for guests (Smaia, Ssaia)";
	if (embedded_guest_needs(guest, "sstc"))
		return "this processor has no stimecmp for guests (Sstc)";
	return NULL;
}

const char *guest_excuse(const struct embedded_guest *guest)
{
	if (!kvm_is_software())
		return excuse_of_kvm(guest);
	if (embedded_guest_needs(guest, "exit-hypercall"))
		return "KVM_CAP_EXIT_HYPERCALL is claimed, but a VMCALL from ring 0 does not "
		       "return (software KVM)";
	if (embedded_guest_needs(guest, "bad-entry"))
		return "KVM_EXIT_FAIL_ENTRY needs a processor that refuses the state (VMX or SVM), "
		       "and this KVM enters "
		       "it (software KVM)";
	return NULL;
}

void guest_check(const struct embedded_guest *guest, const struct guest_variant *variant)
{
	AxError err = AX_ERROR_INIT;
	struct guest_run run;
	const char *excuse = guest_excuse(guest);
	char why[1024];
	int ret = guest_open(&run, guest, variant, &err);

	if (ret == -ENOTSUP) {
		kvm_skip("guest %s: %s", guest->name, err.message);
		return;
	}
	ck_assert_msg(!ret, "guest %s: %d: %s", guest->name, ret, err.message);
	ret = guest_go(&run, &err);
	ck_assert_msg(!ret, "guest %s: %d: %s", guest->name, ret, err.message);
	if (run.result.end == AX_MACHINE_CODE && run.result.code == AX_GUEST_CODE_LACKING)
		excuse = lacking(guest);
	if (guest_ended_well(&run, why, sizeof(why)))
		kvm_count_run();
	else if (excuse)
		kvm_skip("guest %s: %s; tried: ended with %s", guest->name, excuse,
			 ax_machine_end_name(run.result.end));
	else
		ck_abort_msg("%s", why);
	guest_close(&run);
}
