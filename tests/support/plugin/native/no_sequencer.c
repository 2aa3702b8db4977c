/* A sequencer for hosts that will not start without ALSA's, on machines that have none: its ports are there, nothing ever
   comes from them, and what goes to them is gone. Preloaded before libasound, whose other functions stay its own. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>

#define NOTHING(name) \
  int name(void) { return 0; }
#define NONE(name) \
  int name(void) { return -ENOENT; }

static int ports;
static char sequencer;

int snd_seq_open(void **handle, const char *name, int streams, int mode) {
  (void)name, (void)streams, (void)mode;
  *handle = &sequencer;
  return 0;
}

int snd_seq_client_id(void *handle) { return (void)handle, 128; }

int snd_seq_create_simple_port(void *handle, const char *name, unsigned caps, unsigned type) {
  (void)handle, (void)name, (void)caps, (void)type;
  return ports++;
}

int snd_seq_poll_descriptors_count(void *handle, short events) { return (void)handle, (void)events, 1; }

int snd_seq_poll_descriptors(void *handle, struct pollfd *looks, unsigned space, short events) {
  (void)handle, (void)space, (void)events;
  looks[0].fd = eventfd(0, 0); /* never ready */
  looks[0].events = POLLIN;
  looks[0].revents = 0;
  return 1;
}

int snd_seq_event_input(void *handle, void **event) { return (void)handle, *event = 0, -EAGAIN; }

NOTHING(snd_seq_alloc_queue)
NOTHING(snd_seq_close)
NOTHING(snd_seq_control_queue)
NOTHING(snd_seq_delete_simple_port)
NOTHING(snd_seq_drain_output)
NOTHING(snd_seq_drop_input)
NOTHING(snd_seq_drop_output)
NOTHING(snd_seq_event_input_pending)
NOTHING(snd_seq_event_output)
NOTHING(snd_seq_event_output_direct)
NOTHING(snd_seq_free_event)
NOTHING(snd_seq_free_queue)
NOTHING(snd_seq_get_port_info)
NOTHING(snd_seq_get_queue_status)
NOTHING(snd_seq_get_queue_tempo)
NOTHING(snd_seq_remove_events)
NOTHING(snd_seq_set_client_name)
NOTHING(snd_seq_set_port_info)
NOTHING(snd_seq_set_queue_tempo)
NOTHING(snd_seq_set_queue_timer)
NOTHING(snd_seq_subscribe_port)
NOTHING(snd_seq_unsubscribe_port)
NONE(snd_seq_get_any_client_info)
NONE(snd_seq_get_any_port_info)
NONE(snd_seq_query_next_client)
NONE(snd_seq_query_next_port)
NONE(snd_seq_query_port_subscribers)
