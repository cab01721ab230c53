/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stub for gdb on a fake VM: memory, points, stops, steps of some while others stand still,
 * peers that come and go.
 */
#include <signal.h>
#include <time.h>

#include <axvmm/probe.h>

#include "debug/gdb.h"
#include "tests/unit/gdb_fixture.h"

#define RAM 0x10000

static struct gdb_test test;
static pthread_t guest_thread;
static AxVmResult result;

static void *run_it(void *opaque)
{
	(void)opaque;
	result = run_vm(test.vm);
	return NULL;
}

/* A Debug exit, of no cause. */
static int debug_step(struct kvm_run *run, void *arg)
{
	(void)arg;
	run->exit_reason = KVM_EXIT_DEBUG;
	memset(&run->debug, 0, sizeof(run->debug));
	return 0;
}

/* vCPUs that spin. Steps and breakpoint instructions work, which is tried in a VM of its own. */
static void begin(unsigned vcpus, bool wait)
{
	AxError err = AX_ERROR_INIT;

	gdb_test_open(&test, wait);
	test.vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(test.vm, 0, RAM, 0, NULL), 0);
	for (unsigned i = 0; i < vcpus; i++)
		free_vcpu(test.vm, i, 0);
	fake_push(vcpus, debug_step, NULL);
	fake_push(vcpus, debug_step, NULL);
	ck_assert_msg(!ax_gdb_attach(test.gdb, test.vm, &err), "%s", err.message);
}

static void run(void)
{
	ck_assert_int_eq(pthread_create(&guest_thread, NULL, run_it, NULL), 0);
}

/* The guest is ended; the loop goes on until then, as the stub may hold it. */
static void end(void)
{
	ax_vm_stop(test.vm, 7);
	while (pthread_tryjoin_np(guest_thread, NULL))
		gdb_test_dispatch(&test, 5);
	gdb_test_close(&test);
}

#define ck_says(packet, text) ck_assert_str_eq(gdb_test_ask(&test, (packet)), (text))

START_TEST(a_guest_waits_for_its_first_peer)
{
	unsigned runs;

	begin(1, true);
	/* What has been tried before. */
	runs = fake_calls(KVM_RUN);
	run();
	for (unsigned i = 0; i < 5; i++)
		gdb_test_dispatch(&test, 5);
	ck_assert_uint_eq(fake_calls(KVM_RUN), runs);
	gdb_test_connect(&test);
	ck_says("?", "T05thread:1;");
	ck_says("qfThreadInfo", "m1");
	ck_says("qsThreadInfo", "l");
	ck_says("qC", "QC1");
	ck_says("T1", "OK");
	ck_says("T2", "E03");
	ck_says("vCont?", "vCont;c;C;s;S");
	ck_says("vMustReplyEmpty", "");
	ck_says("D", "OK");
	while (fake_calls(KVM_RUN) == runs)
		gdb_test_dispatch(&test, 5);
	end();
	ck_assert_int_eq(result.code, 7);
}
END_TEST

START_TEST(memory_is_read_and_written)
{
	uint8_t bytes[4];

	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_says("M2000,4:deadbeef", "OK");
	ck_assert_int_eq(ax_mem_read(test.vm, 0x2000, bytes, 4), 0);
	ck_assert_mem_eq(bytes, "\xde\xad\xbe\xef", 4);
	ck_says("m2000,4", "deadbeef");
	ck_says("X2001,2:zz", "OK");
	ck_says("m2000,4", "de7a7aef");
	/* Up to the end of RAM; not behind it. */
	ck_says("mfffe,4", "0000");
	ck_says("m10000,4", "E0e");
	ck_says("M10000,1:00", "E0e");
	ck_says("Mfffe,4:01020304", "E0e");
	ck_says("mfffe,2", "0000");
	ck_says("m2000,0", "");
	ck_says("m2000", "E16");
	ck_says("m2000,4,4", "E16");
	ck_says("M2000,4:00", "E16");
	ck_says("Mffffffffffffffff,ffffffffffffffff:00", "E16");
	end();
}
END_TEST

START_TEST(registers_are_read_and_written)
{
	const char *all;
	char first[17];

	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_says("P1=8877665544332211", "OK");
	ck_says("p1", "8877665544332211");
	all = gdb_test_ask(&test, "g");
	ck_assert_uint_gt(strlen(all), 32 * 16);
	memcpy(first, all + 16, 16);
	first[16] = 0;
	ck_assert_str_eq(first, "8877665544332211");
	ck_says("G00000000000000000102030405060708", "OK");
	ck_says("p1", "0102030405060708");
	ck_says("G0000000000000000xxxxxxxxxxxxxxxx", "OK");
	ck_says("p1", "0102030405060708");
	ck_says("Gzz", "E16");
	ck_says("pffff", "E16");
	ck_says("P1=00", "E16");
	ck_says("P1", "E16");
	end();
}
END_TEST

START_TEST(interrupt_stops_a_guest_that_runs)
{
	begin(2, false);
	run();
	gdb_test_connect(&test);
	ck_says("?", "T05thread:1;");
	for (unsigned i = 0; i < 3; i++) {
		gdb_test_send(&test, "vCont;c");
		ck_assert_int_eq(gdb_test_byte(&test), '+');
		ck_assert_int_eq(send(test.fd, "\3", 1, 0), 1);
		ck_assert_str_eq(gdb_test_receive(&test), "T02thread:1;");
		/* Each time what might keep a vCPU has been told, and told of the end. */
		ck_assert_uint_eq(atomic_load(&test.waits), 2 * (i + 2));
		ck_assert(!atomic_load(&test.is_waited_for));
	}
	/* What else is asked while it runs is refused. */
	gdb_test_send(&test, "vCont;c");
	ck_assert_int_eq(gdb_test_byte(&test), '+');
	ck_says("g", "E10");
	end();
}
END_TEST

START_TEST(only_one_peer_is_served)
{
	struct gdb_test other;

	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_says("qAttached", "1");
	other = test;
	gdb_test_connect(&other);
	ck_assert_int_eq(gdb_test_byte(&other), -1);
	close(other.fd);
	ck_says("qAttached", "1");
	/* The next one is, when it has gone. */
	close(test.fd);
	gdb_test_dispatch(&test, 20);
	gdb_test_connect(&test);
	ck_says("qAttached", "1");
	end();
}
END_TEST

START_TEST(a_peer_that_goes_lets_the_guest_run)
{
	begin(1, false);
	run();
	for (unsigned i = 0; i < 3; i++) {
		gdb_test_connect(&test);
		if (i)
			ck_says("?", "T05thread:1;");
		close(test.fd);
		test.fd = -1;
		for (unsigned k = 0; k < 20; k++)
			gdb_test_dispatch(&test, 5);
	}
	ck_assert_int_eq(ax_vm_pause(test.vm, NULL), 0);
	ck_assert_int_eq(ax_vm_resume(test.vm, NULL), 0);
	/* Nothing else holds it. */
	ck_assert_int_eq(ax_vm_resume(test.vm, NULL), -EPERM);
	end();
}
END_TEST

START_TEST(vcpus_that_are_not_named_stand_still)
{
	begin(3, true);
	run();
	gdb_test_connect(&test);
	ck_says("qfThreadInfo", "m1,2,3");
	ck_says("Hg2", "OK");
	ck_says("Hg4", "E16");
	gdb_test_send(&test, "vCont;c:2");
	ck_assert_int_eq(gdb_test_byte(&test), '+');
	for (unsigned i = 0; i < 10; i++)
		gdb_test_dispatch(&test, 5);
	ck_assert_uint_eq(ax_vcpu_state(ax_vm_vcpu(test.vm, 1)), AX_VCPU_RUNNING);
	ck_assert(!ax_vm_vcpu(test.vm, 1)->held);
	ck_assert(ax_vm_vcpu(test.vm, 0)->held);
	ck_assert(ax_vm_vcpu(test.vm, 2)->held);
	/* The end of the run lets them go. */
	end();
}
END_TEST

START_TEST(kill_ends_the_guest)
{
	begin(2, true);
	run();
	gdb_test_connect(&test);
	ck_says("vKill;1", "OK");
	while (pthread_tryjoin_np(guest_thread, NULL))
		gdb_test_dispatch(&test, 5);
	ck_assert_uint_eq(test.kills, 1);
	ax_gdb_detach(test.gdb);
	ax_gdb_exited(test.gdb, 3);
	ck_assert_str_eq(gdb_test_receive(&test), "W03");
	ck_assert_int_eq(gdb_test_byte(&test), -1);
	gdb_test_close(&test);
}
END_TEST

START_TEST(damaged_packets_are_asked_for_again)
{
	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_assert_int_eq(send(test.fd, "$?#00", 5, 0), 5);
	ck_assert_int_eq(gdb_test_byte(&test), '-');
	ck_says("?", "T05thread:1;");
	ck_assert_int_eq(send(test.fd, "-", 1, 0), 1);
	ck_assert_str_eq(gdb_test_receive(&test), "T05thread:1;");
	ck_says("QStartNoAckMode", "OK");
	ck_assert_int_eq(send(test.fd, "$?#00", 5, 0), 5);
	gdb_test_send(&test, "?");
	ck_assert_int_eq(gdb_test_byte(&test), '$');
	end();
}
END_TEST

/* Somebody else's Debug exit is nobody's while nobody debugs. */
START_TEST(a_debug_exit_without_peer_ends_the_run)
{
	begin(1, false);
	fake_push(0, debug_step, NULL);
	run();
	while (pthread_tryjoin_np(guest_thread, NULL))
		gdb_test_dispatch(&test, 5);
	ck_assert_uint_eq(result.end, AX_VM_END_EXIT);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_DEBUG);
	gdb_test_close(&test);
}
END_TEST

/* A guest that dies is shown before it is gone. */
START_TEST(a_dying_guest_stands_still)
{
	begin(1, true);
	fake_push_exit(0, KVM_EXIT_INTERNAL_ERROR);
	run();
	gdb_test_connect(&test);
	gdb_test_send(&test, "c");
	ck_assert_str_eq(gdb_test_receive(&test), "T04thread:1;");
	ck_says("m0,1", "00");
	gdb_test_send(&test, "c");
	while (pthread_tryjoin_np(guest_thread, NULL))
		gdb_test_dispatch(&test, 5);
	ck_assert_uint_eq(result.exit.kind, AX_EXIT_INTERNAL_ERROR);
	gdb_test_close(&test);
}
END_TEST

START_TEST(addresses_that_are_none_are_refused)
{
	static const char *const bad[] = {
		"",
		"unix:",
		"tcp:",
		"tcp:127.0.0.1",
		"tcp:127.0.0.1:x",
		"tcp:0.0.0.0:0",
		"tcp:10.0.0.1:1",
		"tcp:127.0.0.1:70000",
		"tcp:localhost:10",
		"tcp:[::]:0",
		"tcp:[::1:0",
		"pipe:x",
		"tcp:127.0.0.1:1 ",
		"tcp:,remote",
		"tcp:::1:0",
		"tcp:127.0.0.1:-1",
	};
	AxGdbConfig config = AX_GDB_CONFIG_INIT;
	AxGdb *gdb = NULL;
	AxHost *host;
	AxError err;

	ck_assert_int_eq(ax_host_new(NULL, NULL, &host, NULL), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config.address = bad[i];
		ck_assert_msg(ax_gdb_new(host, &config, &gdb, &err) == -EINVAL, "%s", bad[i]);
	}
	config.address = "tcp:127.0.0.1:0";
	ck_assert_int_eq(ax_gdb_new(host, &config, &gdb, &err), 0);
	ck_assert(!strncmp(ax_gdb_address(gdb), "127.0.0.1:", 10));
	ck_assert_str_ne(ax_gdb_address(gdb), "127.0.0.1:0");
	ax_gdb_free(gdb);
	config.address = "tcp:0.0.0.0:0,remote";
	ck_assert_int_eq(ax_gdb_new(host, &config, &gdb, &err), 0);
	ax_gdb_free(gdb);
	ax_gdb_free(NULL);
	ax_host_free(host);
}
END_TEST

START_TEST(an_interrupt_between_two_vms_stops_the_next)
{
	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_says("?", "T05thread:1;");
	gdb_test_send(&test, "vCont;c");
	ck_assert_int_eq(gdb_test_byte(&test), '+');
	ax_vm_stop(test.vm, 7);
	while (pthread_tryjoin_np(guest_thread, NULL))
		gdb_test_dispatch(&test, 5);
	ax_gdb_detach(test.gdb);
	ax_vm_destroy(test.vm);
	ck_assert_int_eq(send(test.fd, "\3", 1, 0), 1);
	for (unsigned i = 0; i < 5; i++)
		gdb_test_dispatch(&test, 5);
	test.vm = new_vm(AX_IRQCHIP_NONE);
	ck_assert_int_eq(ax_ram_add(test.vm, 0, RAM, 0, NULL), 0);
	free_vcpu(test.vm, 0, 0);
	ck_assert_int_eq(ax_gdb_attach(test.gdb, test.vm, NULL), 0);
	run();
	ck_assert_str_eq(gdb_test_receive(&test), "T02thread:1;");
	end();
}
END_TEST

/* The packet for a software breakpoint, of the kind that this architecture has, in @packet; its bytes. */
static size_t break_packet(char packet[32], char type, unsigned address, uint8_t bytes[4])
{
	static const unsigned kinds[] = { 1, 4 };
	size_t length = 0;

	for (unsigned i = 0; i < 2 && !length; i++) {
		length = test.gdb->target->breakpoint(kinds[i], bytes);
		snprintf(packet, 32, "%c0,%x,%x", type, address, kinds[i]);
	}
	ck_assert_uint_gt(length, 0);
	return length;
}

static void set_break(char type, unsigned address)
{
	uint8_t bytes[4];
	char packet[32];

	break_packet(packet, type, address, bytes);
	ck_says(packet, "OK");
}

START_TEST(what_the_guest_writes_over_a_breakpoint_stays)
{
	uint8_t bytes[16], expected[16], insn[4];
	char packet[32];
	size_t length;

	begin(1, true);
	run();
	gdb_test_connect(&test);
	length = break_packet(packet, 'Z', 0x1000, insn);
	memset(expected, 0xaa, sizeof(expected));
	ck_says("M1000,10:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "OK");
	set_break('Z', 0x1000);
	set_break('Z', 0x1008);
	ck_says("m1000,10", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ck_assert_int_eq(ax_mem_read(test.vm, 0x1000, bytes, 16), 0);
	memcpy(expected, insn, length);
	memcpy(expected + 8, insn, length);
	ck_assert_mem_eq(bytes, expected, 16);
	/* As the guest does it, which loads another program there. */
	ck_assert_int_eq(ax_mem_write(test.vm, 0x1000, "\x11\x22\x33\x44", 4), 0);
	set_break('z', 0x1008);
	ck_says("m1000,10", "11223344aaaaaaaaaaaaaaaaaaaaaaaa");
	set_break('z', 0x1000);
	ck_says("m1000,10", "11223344aaaaaaaaaaaaaaaaaaaaaaaa");
	/* The next one is set over what is there now. */
	set_break('Z', 0x1000);
	ck_says("m1000,10", "11223344aaaaaaaaaaaaaaaaaaaaaaaa");
	ck_says("D", "OK");
	ck_assert_int_eq(ax_mem_read(test.vm, 0x1000, bytes, 5), 0);
	ck_assert_mem_eq(bytes, "\x11\x22\x33\x44\xaa", 5);
	end();
}
END_TEST

START_TEST(the_next_peer_finds_no_points_of_the_one_before)
{
	uint8_t byte, insn[4];
	char packet[32];

	begin(1, true);
	run();
	gdb_test_connect(&test);
	set_break('Z', 0x1000);
	/* One in hardware: riscv64's KVM has none. */
	break_packet(packet, 'Z', 0x2000, insn);
	packet[1] = '1';
	if (!strcmp(ax_arch_name(), "riscv64"))
		gdb_test_ask(&test, packet);
	else
		ck_says(packet, "OK");
	gdb_test_send(&test, "vCont;c");
	ck_assert_int_eq(gdb_test_byte(&test), '+');
	/* It comes before vCPUs stand still for what the other one has left. */
	close(test.fd);
	gdb_test_connect(&test);
	ck_says("?", "T05thread:1;");
	ck_assert_int_eq(ax_mem_read(test.vm, 0x1000, &byte, 1), 0);
	ck_assert_uint_eq(byte, 0);
	ck_assert_uint_eq(test.gdb->points.hard_count, 0);
	end();
}
END_TEST

/* A peer that reads nothing before all of it has been said. */
/* A vCPU that runs has a timer; QEMU's user mode emulation, which the lab's unit tests run under, has 32. */
static bool has_timers(unsigned count)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	timer_t timers[GDB_VCPUS_MAX];
	unsigned made = 0;
	bool enough;

	while (made < count && !timer_create(CLOCK_MONOTONIC, &none, &timers[made]))
		made++;
	enough = made == count;
	while (made)
		timer_delete(timers[--made]);
	return enough;
}

START_TEST(exits_of_all_vcpus_fit_into_what_waits_for_the_peer)
{
	/* "exits" */
	static const char monitor[] = "qRcmd,6578697473";
	unsigned lines = 0;
	size_t length = 0;
	AxVCpu *vcpu;

	if (!has_timers(GDB_VCPUS_MAX)) {
		printf("SKIP: no %d timers for as many vCPUs that run\n", GDB_VCPUS_MAX);
		return;
	}
	fake_set_cap(KVM_CAP_MAX_VCPUS, 1024);
	begin(GDB_VCPUS_MAX, true);
	for (unsigned i = 0; (vcpu = ax_vm_vcpu_at(test.vm, i)); i++) {
		for (unsigned kind = 0; kind < AX_EXIT_KINDS; kind++)
			vcpu->counts[kind] = UINT64_MAX;
	}
	run();
	gdb_test_connect(&test);
	ck_says("qAttached", "1");
	gdb_test_send(&test, monitor);
	for (unsigned i = 0; i < 20; i++)
		gdb_test_dispatch(&test, 5);
	for (;;) {
		const char *answer = gdb_test_receive(&test);

		length = strlen(answer);
		/* "vCPU " */
		for (const char *at = answer; (at = strstr(at, "7643505520")); at++)
			lines++;
		if (answer[0] != 'O')
			break;
	}
	ck_assert_uint_gt(length, 0);
	ck_assert_uint_eq(lines, GDB_VCPUS_MAX);
	end();
}
END_TEST

START_TEST(more_vcpus_than_it_knows_are_refused)
{
	AxError err = AX_ERROR_INIT;

	fake_set_cap(KVM_CAP_MAX_VCPUS, 1024);
	gdb_test_open(&test, false);
	test.vm = new_vm(AX_IRQCHIP_NONE);
	for (unsigned i = 0; i <= GDB_VCPUS_MAX; i++)
		free_vcpu(test.vm, i, 0);
	ck_assert_int_eq(ax_gdb_attach(test.gdb, test.vm, &err), -ENOTSUP);
	ck_assert_msg(strstr(err.message, "255"), "%s", err.message);
	gdb_test_close(&test);
}
END_TEST

/* One that sends for ever is not read for ever. */
static void *send_all(void *opaque)
{
	static const char bytes[4096];
	int fd = *(int *)opaque;

	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

START_TEST(a_peer_that_never_ends_sending_is_closed)
{
	pthread_t sender;

	begin(1, true);
	run();
	gdb_test_connect(&test);
	ck_says("qAttached", "1");
	ck_assert_int_eq(pthread_create(&sender, NULL, send_all, &test.fd), 0);
	ax_gdb_exited(test.gdb, 0);
	ck_assert_int_eq(pthread_join(sender, NULL), 0);
	end();
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, exits_of_all_vcpus_fit_into_what_waits_for_the_peer);
	tcase_add_test(cases, more_vcpus_than_it_knows_are_refused);
	tcase_add_test(cases, a_peer_that_never_ends_sending_is_closed);
	tcase_add_test(cases, a_guest_waits_for_its_first_peer);
	tcase_add_test(cases, memory_is_read_and_written);
	tcase_add_test(cases, registers_are_read_and_written);
	tcase_add_test(cases, interrupt_stops_a_guest_that_runs);
	tcase_add_test(cases, only_one_peer_is_served);
	tcase_add_test(cases, a_peer_that_goes_lets_the_guest_run);
	tcase_add_test(cases, vcpus_that_are_not_named_stand_still);
	tcase_add_test(cases, an_interrupt_between_two_vms_stops_the_next);
	tcase_add_test(cases, what_the_guest_writes_over_a_breakpoint_stays);
	tcase_add_test(cases, the_next_peer_finds_no_points_of_the_one_before);
	tcase_add_test(cases, kill_ends_the_guest);
	tcase_add_test(cases, damaged_packets_are_asked_for_again);
	tcase_add_test(cases, a_debug_exit_without_peer_ends_the_run);
	tcase_add_test(cases, a_dying_guest_stands_still);
	tcase_add_test(cases, addresses_that_are_none_are_refused);
}

RUN_SUITE("gdb's stub", add_tests)
