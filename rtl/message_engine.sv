// Message engine of a node: moves packets between node RAM and the two buses.
//
//                  ┌──────────┐ reads of others ┌────────┐
//   node RAM ─────►│ receiver ├────────────────►│ sender │◄───── node RAM
//   (write)  ◄─────┤          │                 │        │       (read)
//                  └─┬──────┬─┘                 └─┬────┬─┘
//      buses X, Y ──►┘      │  ┌──────────────┐   │    └──► buses X, Y
//                           ├─►│ window table │◄──┤
//                           │  └──────────────┘   │
//                           │  ┌──────────────┐   │
//                           └─►│  event ring  │◄──┘
//                              └──────┬───────┘
//                                     ├──► node RAM (write)
//                                     └──► interrupt timer ──► CPU
//
// All state but the settings is cleared while the engine is disabled; it is then silent, and all
// windows are closed. Reset disables it, and lasts long enough that the engine is cleared too.

module message_engine
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes  = 4,
  parameter int unsigned RamBytes  = 262144,
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  /// The clocks of the packet streams of the sender, and of the receive lanes.
  input  logic                 clk_streams_i,
  input  logic                 clk_lanes_i,
  /// Low while the engine is disabled.
  input  logic                 rst_ni,
  input  logic [3:0]           node_i,
  /// Fault point: the event ring writes nothing.
  input  logic                 event_hold_i,
  input  logic                 tick_i,
  /// Settings and indices; see register_file.
  input  logic [3:0]           epoch_i,
  input  logic                 interrupt_enable_i,
  input  coalescing_reg_t      coalescing_i,
  input  limits_t              limits_i,
  input  path_limits_reg_t     path_limits_i,
  input  ring_t                events_i,
  input  ring_t                send_i         [2],
  input  ring_t                receive_i      [2],
  input  window_post_t         window_post_i,
  output status_reg_t          status_o,
  output index_t               event_tail_o,
  output index_t               send_head_o    [2],
  output index_t               receive_tail_o [2],
  output nodes_t               path_suspect_o [2],
  output nodes_t               path_down_o    [2],
  input  nodes_t               path_restore_i [2],
  input  logic [3:0]           path_index_i,
  output path_x_reg_t          path_o         [2],
  output counts_t              counts_o       [2],
  output logic                 irq_o,
  /// Node RAM: read clients X, Y, control ring, data ring; write clients delivery, events.
  output logic [3:0]           read_valid_o,
  output line_address_t        read_address_o  [4],
  input  logic [3:0]           read_ready_i,
  input  line_t                read_data_i,
  output logic [1:0]           write_valid_o,
  output line_address_t        write_address_o [2],
  output line_t                write_data_o    [2],
  output logic [15:0]          write_bytes_o   [2],
  input  logic [1:0]           write_ready_i,
  /// The buses.
  output logic [1:0]           request_control_o,
  output logic [1:0]           request_data_o,
  output logic [1:0]           valid_o,
  output logic [1:0]           last_o,
  output logic [DataWidth-1:0] data_o          [2],
  input  logic [1:0]           grant_i,
  input  strobes_t             strobes_i       [2],
  input  logic [1:0]           deaf_i,
  input  logic [DataWidth-1:0] data_i          [2],
  output logic [1:0]           accepted_o,
  output logic [1:0]           busy_o,
  output logic [1:0]           corrupt_o,
  output logic [1:0]           refused_o,
  input  answers_t             answers_i       [2],
  /// See node_core.
  output logic                 waiting_o,
  output logic [1:0]           sending_o,
  output logic                 engine_busy_o,
  output logic                 streams_busy_o,
  output logic                 lanes_busy_o,
  output logic                 idle_o
);

  // Clients of the window table: lanes X and Y, bulk sender, read server.
  logic [3:0]    lookup_valid, lookup_ready;
  lookup_t       lookup [4];
  lookup_reply_t lookup_reply;
  logic          windows_busy, windows_idle;

  // Writers of events: delivery, lanes X and Y, scheduler, bulk sender, read server. Claims:
  // lanes X and Y, scheduler, bulk sender, read server.
  logic [5:0]   event_valid, event_ready;
  event_entry_t event_entry [6];
  logic [4:0]   claim;
  logic         room, room_first;

  logic [1:0] read_take_valid;
  read_take_t read_take [2];
  logic       read_room;
  counts_t    counts_sender [2], counts_receiver [2];
  logic       storing, serving;
  logic       sender_busy, sender_idle, receiver_busy, receiver_idle, events_busy, events_idle;
  logic       timer_busy, timer_idle;

  sender #(
    .NumNodes (NumNodes),
    .RamBytes (RamBytes),
    .DataWidth(DataWidth)
  ) u_sender (
    .clk_i,
    .clk_streams_i,
    .rst_ni,
    .node_i,
    .epoch_i,
    .tick_i,
    .limits_i,
    .path_limits_i,
    .send_i,
    .send_head_o,
    .path_suspect_o,
    .path_down_o,
    .path_restore_i,
    .path_index_i,
    .path_o,
    .read_valid_o,
    .read_address_o,
    .read_ready_i,
    .read_data_i,
    .lookup_valid_o   (lookup_valid[3:2]),
    .lookup_o         (lookup[2:3]),
    .lookup_ready_i   (lookup_ready[3:2]),
    .lookup_reply_i   (lookup_reply),
    .read_take_valid_i(read_take_valid),
    .read_take_i      (read_take),
    .read_room_o      (read_room),
    .serving_o        (serving),
    .room_i           (room),
    .room_first_i     (room_first),
    .claim_o          (claim[4:2]),
    .event_valid_o    (event_valid[5:1]),
    .event_o          (event_entry[1:5]),
    .event_ready_i    (event_ready[5:1]),
    .request_control_o,
    .request_data_o,
    .valid_o,
    .last_o,
    .data_o,
    .grant_i,
    .answers_i,
    .counts_o         (counts_sender),
    .waiting_o,
    .sending_o,
    .busy_o           (sender_busy),
    .streams_busy_o,
    .idle_o           (sender_idle)
  );

  receiver #(
    .DataWidth(DataWidth)
  ) u_receiver (
    .clk_i,
    .clk_lanes_i,
    .rst_ni,
    .node_i,
    .strobes_i,
    .deaf_i,
    .data_i,
    .accepted_o,
    .busy_answer_o    (busy_o),
    .corrupt_o,
    .refused_o,
    .receive_i,
    .receive_tail_o,
    .lookup_valid_o   (lookup_valid[1:0]),
    .lookup_o         (lookup[0:1]),
    .lookup_ready_i   (lookup_ready[1:0]),
    .lookup_reply_i   (lookup_reply),
    .post_i           (window_post_i),
    .read_take_valid_o(read_take_valid),
    .read_take_o      (read_take),
    .read_room_i      (read_room),
    .room_i           (room_first),
    .claim_o          (claim[1:0]),
    .event_valid_o    (event_valid[0]),
    .event_o          (event_entry[0]),
    .event_ready_i    (event_ready[0]),
    .write_valid_o    (write_valid_o[0]),
    .write_address_o  (write_address_o[0]),
    .write_data_o     (write_data_o[0]),
    .write_bytes_o    (write_bytes_o[0]),
    .write_ready_i    (write_ready_i[0]),
    .storing_o        (storing),
    .counts_o         (counts_receiver),
    .busy_o           (receiver_busy),
    .lanes_busy_o,
    .idle_o           (receiver_idle)
  );

  window_table #(
    .RamBytes(RamBytes)
  ) u_window_table (
    .clk_i,
    .rst_ni,
    .post_i        (window_post_i),
    .lookup_valid_i(lookup_valid),
    .lookup_i      (lookup),
    .lookup_ready_o(lookup_ready),
    .reply_o       (lookup_reply),
    .busy_o        (windows_busy),
    .idle_o        (windows_idle)
  );

  event_ring #(
    .Writers (6),
    .Claimers(5),
    .First   (5'b10011)  // receive lanes, read server
  ) u_event_ring (
    .clk_i,
    .rst_ni,
    .ring_i         (events_i),
    .tail_o         (event_tail_o),
    .room_o         (room),
    .room_first_o   (room_first),
    .claim_i        (claim),
    .valid_i        (event_hold_i ? '0 : event_valid),
    .event_i        (event_entry),
    .ready_o        (event_ready),
    .write_valid_o  (write_valid_o[1]),
    .write_address_o(write_address_o[1]),
    .write_data_o   (write_data_o[1]),
    .write_ready_i  (write_ready_i[1]),
    .busy_o         (events_busy),
    .idle_o         (events_idle)
  );
  assign write_bytes_o[1] = '1;

  interrupt_timer u_interrupt_timer (
    .clk_i,
    .rst_ni,
    .enable_i    (interrupt_enable_i),
    .coalescing_i,
    .tail_i      (event_tail_o),
    .head_i      (events_i.index),
    .irq_o,
    .busy_o      (timer_busy),
    .idle_o      (timer_idle)
  );

  for (genvar b = 0; b < 2; b++) begin : gen_counts
    assign counts_o[b] = counts_sender[b] | counts_receiver[b];
  end

  always_comb begin
    status_o         = '0;
    status_o.storing = storing;
    status_o.serving = serving;
  end

  assign engine_busy_o = sender_busy || receiver_busy || windows_busy || events_busy || timer_busy;
  assign idle_o        = sender_idle && receiver_idle && windows_idle && events_idle && timer_idle;

endmodule
