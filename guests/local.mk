# SPDX-License-Identifier: Apache-2.0
# The tiny guests of the architecture built for, and libguests.la, which holds them as bytes for
# the programs that want them (guests/embedded.h).
#
# Nothing here names an architecture or a guest: configure (m4/axvmm-guests.m4) reads the names from
# guests/$(AX_ARCH)/guests.list. A new guest is its .S file and its row; a new architecture is a
# folder with guests.list, link.conf, linker scripts and sources, see guests/build.
#
#   GUEST_LIST    guests/$(AX_ARCH)/guests.list, empty if the architecture has none
#   GUEST_IMAGES  guests/$(AX_ARCH)/NAME.img for each row
#   GUEST_SHARED  what every guest of the architecture may be made of, beside its own source
#   GUEST_FILES   the files of all architectures, for the distribution
$(GUEST_IMAGES): guests/abi.h guests/build $(GUEST_SHARED)

.S.img:
	$(AM_V_GEN)CC='$(CC)' LD='$(LD)' $(SHELL) $(srcdir)/guests/build $< $@

guests/embedded.c: guests/embed $(GUEST_LIST) $(GUEST_IMAGES)
	$(AM_V_GEN)$(MKDIR_P) guests
	$(AM_V_at)list=$(GUEST_LIST); \
	$(SHELL) $(srcdir)/guests/embed "$${list:+$(srcdir)/$$list}" guests/$(AX_ARCH) > $@.tmp
	$(AM_V_at)mv -f $@.tmp $@

noinst_LTLIBRARIES += guests/libguests.la
guests_libguests_la_SOURCES = guests/embedded.h guests/lookup.c guests/words.c guests/words.h
nodist_guests_libguests_la_SOURCES = guests/embedded.c

CLEANFILES += $(GUEST_IMAGES) guests/embedded.c guests/embedded.c.tmp
EXTRA_DIST += guests/abi.h guests/build guests/embed $(GUEST_FILES)
