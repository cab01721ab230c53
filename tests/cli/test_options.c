/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of what "axvmm run" understands: JSON that others wrote, parameters, the configuration
 * file, and how the command line and the file go together.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvmm/disk.h>

#include "cli/cli.h"
#include "cli/json-read.h"
#include "cli/options.h"
#include "cli/params.h"
#include "tests/temporary.h"

static struct json_value *read_text(const char *text, struct json_fault *fault)
{
	/* Exactly its bytes, so that a reader that goes beyond is seen. */
	size_t len = strlen(text);
	char *bytes = malloc(len + !len);
	struct json_value *value;

	for (size_t i = 0; i < len; i++)
		bytes[i] = text[i];
	value = json_read(bytes, len, fault);
	free(bytes);
	return value;
}

START_TEST(json_is_read_with_its_lines)
{
	struct json_fault fault;
	struct json_value *root = read_text("{ \"a\": [1, -2.5e+3,\n null, true],\r\n"
					    "\"b\\u00e9\\n\": \"\\ud83d\\ude00\\\"\" ,\"c\":{}}\n",
					    &fault);
	const struct json_value *a = json_member(root, "a"), *b = json_member(root, "b\xc3\xa9\n");

	ck_assert(root && a && b);
	ck_assert_int_eq(root->type, JSON_OBJECT);
	ck_assert_uint_eq(root->line, 1);
	ck_assert_int_eq(a->type, JSON_ARRAY);
	ck_assert_str_eq(a->first->text, "1");
	ck_assert_str_eq(a->first->next->text, "-2.5e+3");
	ck_assert_int_eq(a->first->next->next->type, JSON_NULL);
	ck_assert_uint_eq(a->first->next->next->line, 2);
	ck_assert_str_eq(a->first->next->next->next->text, "true");
	ck_assert_ptr_null(a->first->next->next->next->next);
	ck_assert_uint_eq(b->line, 3);
	ck_assert_str_eq(b->text, "\xf0\x9f\x98\x80\"");
	ck_assert_ptr_null(json_member(root, "c")->first);
	ck_assert_ptr_null(json_member(root, "d"));
	ck_assert_ptr_null(json_member(b, "a"));
	json_free(root);
}
END_TEST

START_TEST(what_is_no_json_is_refused_with_its_line)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *what;
	} cases[] = {
		{ "", 1, "missing at the end" },
		{ " \n\n", 3, "missing at the end" },
		{ "[1,\n2", 2, "',' or ']'" },
		{ "[1 2]", 1, "',' or ']'" },
		{ "[1,]", 1, "nothing follows" },
		{ "[", 1, "missing at the end" },
		{ "{\"a\" 1}", 1, "':'" },
		{ "{\"a\":1,}", 1, "nothing follows" },
		{ "{a:1}", 1, "a key" },
		{ "{\"a\":1,\n\"a\":2}", 2, "twice" },
		{ "{\"a\":1\n\"b\":2}", 2, "',' or '}'" },
		{ "\"abc", 1, "not closed" },
		{ "\"a\nb\"", 1, "not closed" },
		{ "\"\\x\"", 1, "escape" },
		{ "\"\\u12g4\"", 1, "hexadecimal" },
		{ "\"\\u0000\"", 1, "u0000" },
		{ "\"\\ud800\"", 1, "first half" },
		{ "\"\\ud800\\u0041\"", 1, "first half" },
		{ "\"\\udc00\"", 1, "second half" },
		{ "\"\\", 1, "escape" },
		{ "\"\xff\"", 1, "UTF-8" },
		{ "\"\xc3", 1, "UTF-8" },
		{ "01", 1, "begin with a zero" },
		{ "1.", 1, "lacks a digit" },
		{ "-", 1, "lacks a digit" },
		{ "1e", 1, "lacks a digit" },
		{ "+1", 1, "a value is missing" },
		{ "nul", 1, "a value is missing" },
		{ "truex", 1, "follows the end" },
		{ "{} {}", 1, "follows the end" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 1, "too many brackets" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1, "too many brackets" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_fault fault = { .line = 0 };

		ck_assert_msg(!read_text(cases[i].text, &fault), "%s", cases[i].text);
		ck_assert_msg(strstr(fault.what, cases[i].what), "%s: %s", cases[i].text,
			      fault.what);
		ck_assert_msg(fault.line == cases[i].line, "%s: line %u", cases[i].text,
			      fault.line);
	}
}
END_TEST

START_TEST(as_many_brackets_as_allowed_find_room)
{
	struct json_fault fault;
	struct json_value *value = read_text("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", &fault);

	ck_assert_ptr_nonnull(value);
	json_free(value);
	value = json_read("1\0", 2, &fault);
	ck_assert_ptr_null(value);
}
END_TEST

static struct run_options options;

/* The status of "axvmm run" with these arguments, up to NULL. */
static int parse(const char *const *arguments)
{
	static char *argv[32];
	int argc = 0;
	bool help;

	argv[argc++] = (char *)"run";
	while (*arguments)
		argv[argc++] = (char *)*arguments++;
	argv[argc] = NULL;
	return options_parse(argc, argv, &options, &help);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })

static unsigned count(enum device_kind kind)
{
	unsigned found = 0;

	for (struct device_options *device = options.devices; device; device = device->next)
		found += device->kind == kind;
	return found;
}

static struct device_options *find(enum device_kind kind, unsigned index)
{
	struct device_options *device = options.devices;

	for (; device; device = device->next) {
		if (device->kind == kind && !index--)
			return device;
	}
	ck_abort_msg("there is no such device");
	return NULL;
}

START_TEST(parameters_follow_a_value)
{
	const struct disk_options *disk;
	const struct net_options *net;

	ck_assert_int_eq(PARSE("--disk",
			       "a,,b=c.img,ro,serial=7,,8,queues=0x2,direct=off,format=raw",
			       "--disk", "ro=x", "--disk", "serial=1,path=p", "--guest", "demo"),
			 STATUS_USAGE);
	options_free(&options);
	ck_assert_int_eq(PARSE("--disk",
			       "a,,b=c.img,ro,serial=7,,8,queues=0x2,direct=off,format=raw",
			       "--disk", "serial=1,path=p", "--net",
			       "tap,queues=2,mac=52:54:00:aB:cd:ef", "--guest", "demo"),
			 STATUS_OK);
	disk = &find(DEVICE_DISK, 0)->disk;
	ck_assert_str_eq(disk->path, "a,b=c.img");
	ck_assert_str_eq(disk->serial, "7,8");
	ck_assert(disk->read_only && !disk->direct);
	ck_assert_uint_eq(disk->queues, 2);
	ck_assert_int_eq(disk->format, AX_DISK_RAW);
	ck_assert_str_eq(find(DEVICE_DISK, 1)->disk.path, "p");
	net = &find(DEVICE_NET, 0)->net;
	ck_assert_int_eq(net->type, NET_TAP);
	ck_assert_uint_eq(net->queues, 2);
	ck_assert(!memcmp(net->mac, "\x52\x54\x00\xab\xcd\xef", 6));
	options_free(&options);
}
END_TEST

START_TEST(what_parameters_cannot_be_is_refused)
{
	static const struct {
		const char *option;
		const char *value;
	} cases[] = {
		{ "--disk", "" },
		{ "--disk", "a," },
		{ "--disk", "a,=1" },
		{ "--disk", "a,ro=2" },
		{ "--disk", "a,serial" },
		{ "--disk", "a,serial=" },
		{ "--disk", "a,serial=123456789012345678901" },
		{ "--disk", "a,queues=0" },
		{ "--disk", "a,queues=17" },
		{ "--disk", "a,queues=1x" },
		{ "--disk", "a,format=vmdk" },
		{ "--disk", "a,read-only" },
		{ "--net", "" },
		{ "--net", "bridge" },
		{ "--net", "none,mac=52:54:00:00:00:01" },
		{ "--net", "user,queues=2" },
		{ "--net", "user,mac=52:54:00:00:00" },
		{ "--net", "user,mac=52:54:00:00:00:0" },
		{ "--net", "user,mac=52-54-00-00-00-01" },
		{ "--net", "user,mac=53:54:00:00:00:01" },
		{ "--net", "user,mac=00:00:00:00:00:00" },
		{ "--net", "user,hostfwd=tcp:2222:22" },
		{ "--net", "tap,hostfwd=tcp::2222-:22" },
		{ "--net", "tap,ifname=0123456789abcdef" },
		{ "--net", "tap,fd=3,ifname=x" },
		{ "--net", "tap,fd=2" },
		{ "--net", "tap,fd=3,queues=2" },
		{ "--net", "socket" },
		{ "--share", "dir" },
		{ "--share", "tag=x" },
		{ "--share", "dir,tag=0123456789012345678901234567890123456" },
		{ "--share", "dir,socket=s,tag=x" },
		{ "--share", "socket=s,tag=x,ro" },
		{ "--vsock", "3" },
		{ "--vsock", "2,path=x" },
		{ "--vsock", "4294967295,path=x" },
		{ "--vsock", "path=x" },
		{ "--balloon=", NULL },
		{ "--balloon=1Q", NULL },
		{ "--name", "" },
		{ "--name", ".x" },
		{ "--name", "a/b" },
		{ "--name", "0123456789012345678901234567890123456789012345678" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_msg(PARSE(cases[i].option, cases[i].value) == STATUS_USAGE, "%s %s",
			      cases[i].option, cases[i].value ? cases[i].value : "");
		options_free(&options);
	}
}
END_TEST

/* Parse a configuration file of this text, with further arguments. */
static char config[TEMPORARY_SIZE];

static void write_config(const char *text)
{
	FILE *file = fopen(config, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_file_says_what_options_say)
{
	write_config(
		"{ \"$schema\": \"config.schema.json\", \"kernel\": \"vmlinuz\",\n"
		"  \"initrd\": [\"one\", \"two\"], \"append\": \"quiet \\\"x\\\"\",\n"
		"  \"memory\": \"64M\", \"cpus\": 2, \"timeout\": 1.5, \"stats\": true,\n"
		"  \"no-cpuid\": false, \"rng\": true, \"balloon\": { \"size\": \"1M\" },\n"
		"  \"disk\": [ \"a,ro\", { \"path\": \"b,c\", \"direct\": true, \"ro\": false,\n"
		"             \"serial\": 12, \"queues\": 3 } ],\n"
		"  \"net\": { \"type\": \"user\", \"hostfwd\": [\"tcp::2222-:22\", "
		"\"udp:127.0.0.1:53-:5353\"] },\n"
		"  \"vsock\": { \"cid\": 3, \"path\": \"s\" }, \"no-reboot\": true }\n");
	ck_assert_int_eq(PARSE("--config", config), STATUS_OK);
	ck_assert_str_eq(options.image, "vmlinuz");
	ck_assert(options.system);
	ck_assert_uint_eq(options.initrd_count, 2);
	ck_assert_str_eq(options.initrd[1], "two");
	ck_assert_str_eq(options.command_line, "quiet \"x\"");
	ck_assert_uint_eq(options.memory, 64 << 20);
	ck_assert_uint_eq(options.cpus, 2);
	ck_assert_uint_eq(options.timeout_ns, 1500000000);
	ck_assert(options.stats && !options.no_cpuid && !options_reboot(&options));
	ck_assert_uint_eq(count(DEVICE_RNG), 1);
	ck_assert_uint_eq(find(DEVICE_BALLOON, 0)->balloon, 1 << 20);
	ck_assert(find(DEVICE_DISK, 0)->disk.read_only);
	ck_assert_str_eq(find(DEVICE_DISK, 1)->disk.path, "b,c");
	ck_assert_str_eq(find(DEVICE_DISK, 1)->disk.serial, "12");
	ck_assert(find(DEVICE_DISK, 1)->disk.direct && !find(DEVICE_DISK, 1)->disk.read_only);
	ck_assert_uint_eq(find(DEVICE_NET, 0)->net.forward_count, 2);
	ck_assert_uint_eq(find(DEVICE_NET, 0)->net.forwards[1].guest_port, 5353);
	ck_assert_uint_eq(find(DEVICE_VSOCK, 0)->vsock.cid, 3);
	options_free(&options);
}
END_TEST

START_TEST(the_command_line_comes_before_the_file)
{
	write_config(
		"{ \"kernel\": \"vmlinuz\", \"memory\": \"64M\", \"disk\": [ \"a\", \"b\" ],\n"
		"\"initrd\": \"i\", \"net\": \"user\", \"balloon\": \"1M\", \"reboot\": true,\n"
		"\"append\": \"from file\", \"console\": \"pty\" }");
	ck_assert_int_eq(PARSE("--memory", "32M", "--config", config, "--disk", "c", "--initrd",
			       "j", "--net", "none", "--balloon", "--no-reboot", "--cmdline",
			       "mine", "--console", "null", "image"),
			 STATUS_OK);
	ck_assert_uint_eq(options.memory, 32 << 20);
	ck_assert_uint_eq(count(DEVICE_DISK), 1);
	ck_assert_str_eq(find(DEVICE_DISK, 0)->disk.path, "c");
	ck_assert_uint_eq(options.initrd_count, 1);
	ck_assert_str_eq(options.initrd[0], "j");
	ck_assert_uint_eq(count(DEVICE_NET), 0);
	ck_assert_uint_eq(count(DEVICE_BALLOON), 1);
	ck_assert_uint_eq(find(DEVICE_BALLOON, 0)->balloon, 0);
	ck_assert(!options_reboot(&options));
	ck_assert_str_eq(options.command_line, "mine");
	ck_assert_uint_eq(options.console_count, 1);
	ck_assert_str_eq(options.console[0], "null");
	ck_assert_str_eq(options.image, "image");
	ck_assert(!options.system);
	options_free(&options);

	/* What it does not name stays the file's. */
	ck_assert_int_eq(PARSE("--config", config), STATUS_OK);
	ck_assert_uint_eq(count(DEVICE_DISK), 2);
	ck_assert(options_reboot(&options));
	options_free(&options);
}
END_TEST

START_TEST(files_that_make_no_sense_are_refused)
{
	static const char *const files[] = {
		"[]",
		"\"x\"",
		"{\"help\":true}",
		"{\"config\":\"x\"}",
		"{\"Memory\":\"64M\"}",
		"{\"memory\":true}",
		"{\"memory\":null}",
		"{\"memory\":[\"64M\"]}",
		"{\"memory\":1e9}",
		"{\"memory\":{\"size\":1}}",
		"{\"stats\":1}",
		"{\"rng\":\"yes\"}",
		"{\"rng\":{}}",
		"{\"disk\":true}",
		"{\"disk\":[[\"a\"]]}",
		"{\"disk\":{}}",
		"{\"disk\":{\"path\":null}}",
		"{\"disk\":{\"path\":[\"a\",[]]}}",
		"{\"disk\":{\"path\":\"a\",\"size\":1}}",
		"{\"balloon\":[]}",
		"{\"kernel\":\"a\",\"guest\":\"demo\"}",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_config(files[i]);
		ck_assert_msg(PARSE("--config", config) == STATUS_USAGE, "%s", files[i]);
		options_free(&options);
	}
	ck_assert_int_eq(PARSE("--config", "/no/such/file"), STATUS_HOST);
	options_free(&options);
	ck_assert_int_eq(PARSE("--config", "/"), STATUS_HOST);
	options_free(&options);
	ck_assert_int_eq(PARSE("--config", "/dev/zero"), STATUS_USAGE);
	options_free(&options);
	ck_assert_int_eq(PARSE("--config", config, "--config", config), STATUS_USAGE);
	options_free(&options);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *cases = tcase_create("options");
	SRunner *runner = srunner_create(suite);
	int failed, fd = temporary_file(config, "config");

	if (fd < 0)
		return 99;
	close(fd);
	tcase_add_test(cases, json_is_read_with_its_lines);
	tcase_add_test(cases, what_is_no_json_is_refused_with_its_line);
	tcase_add_test(cases, as_many_brackets_as_allowed_find_room);
	tcase_add_test(cases, parameters_follow_a_value);
	tcase_add_test(cases, what_parameters_cannot_be_is_refused);
	tcase_add_test(cases, a_file_says_what_options_say);
	tcase_add_test(cases, the_command_line_comes_before_the_file);
	tcase_add_test(cases, files_that_make_no_sense_are_refused);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(config);
	return failed ? 1 : 0;
}
