// Message engine of a node: moves packets between node RAM and the two buses.
//
//                ┌───────────┐ ┌───────────┐    ┌────────────────┐──► bus X ──┐
//  node RAM ────►│ send ring │►│   send    │───►│ transmit lane X│◄─┐ answers  │
//   (read)       │  control  │ │ scheduler │    └────────────────┘  │ move     │
//          │     ├───────────┤ │           │    ┌────────────────┐◄─┘          │
//          ├────►│ send ring │►│           │───►│ transmit lane Y│──► bus Y ──┐│
//          │     │   data    │ └───────────┘    └────────────────┘            ││
//          └─────────────────────── payload ─────────────▲                    ││
//                ┌────────────┐                 ┌────────────────┐◄─ bus X ───┼┘
//  node RAM ◄────│ event ring │◄────────────────│ receive lane X │            │
//   (write)      └────────────┘   events        ├────────────────┤◄─ bus Y ───┘
//          ▲                                    │ receive lane Y │
//          └──────────── lines of payload ──────└────────────────┘
//                                          duplicate filter, path tables: shared by the lanes
//
// All state but the settings is cleared while the engine is disabled; it is then silent. Reset
// disables it, and must last two cycles so that the engine is cleared too.

`include "assertions.svh"

module message_engine
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes = 4,
  parameter int unsigned RamBytes = 262144
) (
  input  logic                clk_i,
  input  logic                halt_i,
  input  logic [3:0]          node_i,
  /// Settings and indices; see register_file.
  input  switches_t           switches_i,
  input  limits_t             limits_i,
  input  ring_t               events_i,
  input  ring_t               send_i         [2],
  input  ring_t               receive_i      [2],
  output index_t              event_tail_o,
  output index_t              send_head_o    [2],
  output index_t              receive_tail_o [2],
  output logic [NumNodes-1:0] path_down_o  [2],
  input  logic [NumNodes-1:0] path_raise_i [2],
  output counts_t             counts_o     [2],
  output logic                irq_o,
  /// Node RAM: read clients X, Y, control ring, data ring; write clients X, Y, events.
  output logic [3:0]          read_valid_o,
  output line_address_t       read_address_o  [4],
  input  logic [3:0]          read_ready_i,
  input  line_t               read_data_i,
  output logic [2:0]          write_valid_o,
  output line_address_t       write_address_o [3],
  output line_t               write_data_o    [3],
  input  logic [2:0]          write_ready_i,
  /// The buses.
  output logic [1:0]          request_control_o,
  output logic [1:0]          request_data_o,
  output packet_words_t       words_o         [2],
  output word_t               data_o          [2],
  input  logic [1:0]          grant_i,
  input  bus_wires_t          wires_i         [2],
  output answer_e             answer_o        [2],
  input  answers_t            answers_i       [2],
  output logic                idle_o
);

  logic rst_engine_n;
  assign rst_engine_n = switches_i.enable && !halt_i;

  // ---- Sending ------------------------------------------------------------------------------

  logic [1:0]       ring_valid, ring_well_formed, ring_take, ring_idle;
  send_descriptor_t ring_descriptor  [2];
  logic [3:0]       ring_destination [2];

  for (genvar c = 0; c < 2; c++) begin : gen_ring
    // Control is served first.
    localparam int unsigned Client = (c == 1) ? 2 : 3;
    send_ring #(
      .NumNodes(NumNodes),
      .RamBytes(RamBytes)
    ) u_send_ring (
      .clk_i,
      .rst_ni        (rst_engine_n),
      .base_i        (send_i[c].base),
      .mask_i        (send_i[c].mask),
      .tail_i        (send_i[c].index),
      .head_o        (send_head_o[c]),
      .read_valid_o  (read_valid_o[Client]),
      .read_address_o(read_address_o[Client]),
      .read_ready_i  (read_ready_i[Client]),
      .read_data_i,
      .valid_o       (ring_valid[c]),
      .descriptor_o  (ring_descriptor[c]),
      .well_formed_o (ring_well_formed[c]),
      .destination_o (ring_destination[c]),
      .take_i        (ring_take[c]),
      .idle_o        (ring_idle[c])
    );
  end

  logic [1:0]   lane_ready, lane_active, lane_class, lane_valid, lane_gave_up, lane_idle;
  logic [3:0]   lane_destination [2];
  job_t         job;
  logic         scheduler_idle;
  logic         room;
  logic [2:0]   claim;
  logic [4:0]   event_valid, event_ready;
  event_entry_t event_entry [5];

  send_scheduler #(
    .NumNodes(NumNodes)
  ) u_scheduler (
    .clk_i,
    .rst_ni            (rst_engine_n),
    .node_i,
    .epoch_i           (switches_i.epoch),
    .valid_i           (ring_valid),
    .descriptor_i      (ring_descriptor),
    .well_formed_i     (ring_well_formed),
    .destination_i     (ring_destination),
    .take_o            (ring_take),
    .path_down_i       (path_down_o),
    .lane_ready_i      (lane_ready),
    .lane_active_i     (lane_active),
    .lane_destination_i(lane_destination),
    .lane_class_i      (lane_class),
    .lane_gave_up_i    (lane_gave_up),
    .lane_valid_o      (lane_valid),
    .job_o             (job),
    .room_i            (room),
    .claim_o           (claim[2]),
    .event_valid_o     (event_valid[4]),
    .event_o           (event_entry[4]),
    .event_ready_i     (event_ready[4]),
    .idle_o            (scheduler_idle)
  );

  logic [NumNodes-1:0] path_failed [2];
  logic [1:0]          move_valid, move_ready;
  job_t                move_job [2];
  counts_t             counts_transmit [2], counts_receive [2];

  for (genvar b = 0; b < 2; b++) begin : gen_transmit
    transmit_lane #(
      .NumNodes(NumNodes),
      .Bus     (bus_id_e'(b))
    ) u_transmit_lane (
      .clk_i,
      .rst_ni           (rst_engine_n),
      .limits_i,
      .job_valid_i      (lane_valid[b]),
      .job_i            (job),
      .job_ready_o      (lane_ready[b]),
      .active_o         (lane_active[b]),
      .destination_o    (lane_destination[b]),
      .class_o          (lane_class[b]),
      .gave_up_o        (lane_gave_up[b]),
      .move_valid_o     (move_valid[b]),
      .move_job_o       (move_job[b]),
      .move_ready_i     (move_ready[1-b]),
      .move_valid_i     (move_valid[1-b]),
      .move_job_i       (move_job[1-b]),
      .move_ready_o     (move_ready[b]),
      .other_path_down_i(path_down_o[1-b]),
      .path_failed_o    (path_failed[b]),
      .read_valid_o     (read_valid_o[b]),
      .read_address_o   (read_address_o[b]),
      .read_ready_i     (read_ready_i[b]),
      .read_data_i,
      .request_control_o(request_control_o[b]),
      .request_data_o   (request_data_o[b]),
      .words_o          (words_o[b]),
      .data_o           (data_o[b]),
      .grant_i          (grant_i[b]),
      .answers_i        (answers_i[b]),
      .event_valid_o    (event_valid[2+b]),
      .event_o          (event_entry[2+b]),
      .event_ready_i    (event_ready[2+b]),
      .counts_o         (counts_transmit[b]),
      .idle_o           (lane_idle[b])
    );

    path_table #(
      .NumNodes(NumNodes)
    ) u_path_table (
      .clk_i,
      .rst_ni  (rst_engine_n),
      .failed_i(path_failed[b]),
      .raise_i (path_raise_i[b]),
      .down_o  (path_down_o[b])
    );
  end

  // ---- Receiving ----------------------------------------------------------------------------

  packet_header_t received_header [2];
  logic [1:0]     duplicate, accept, receive_idle;

  for (genvar b = 0; b < 2; b++) begin : gen_receive
    receive_lane #(
      .Bus(bus_id_e'(b))
    ) u_receive_lane (
      .clk_i,
      .rst_ni         (rst_engine_n),
      .node_i,
      .wires_i        (wires_i[b]),
      .answer_o       (answer_o[b]),
      .slot_base_i    (receive_i[b].base),
      .slot_mask_i    (receive_i[b].mask),
      .slot_head_i    (receive_i[b].index),
      .slot_tail_o    (receive_tail_o[b]),
      .header_o       (received_header[b]),
      .duplicate_i    (duplicate[b]),
      .accept_o       (accept[b]),
      .write_valid_o  (write_valid_o[b]),
      .write_address_o(write_address_o[b]),
      .write_data_o   (write_data_o[b]),
      .write_ready_i  (write_ready_i[b]),
      .room_i         (room),
      .event_valid_o  (event_valid[b]),
      .event_o        (event_entry[b]),
      .event_ready_i  (event_ready[b]),
      .counts_o       (counts_receive[b]),
      .idle_o         (receive_idle[b])
    );
    assign claim[b]    = accept[b];
    assign counts_o[b] = counts_transmit[b] | counts_receive[b];
  end

  duplicate_filter u_duplicate_filter (
    .clk_i,
    .rst_ni     (rst_engine_n),
    .header_i   (received_header),
    .duplicate_o(duplicate),
    .accept_i   (accept)
  );

  // ---- Events -------------------------------------------------------------------------------

  logic events_idle, pending;

  event_ring #(
    .Writers (5),
    .Received(2)
  ) u_event_ring (
    .clk_i,
    .rst_ni         (rst_engine_n),
    .base_i         (events_i.base),
    .mask_i         (events_i.mask),
    .head_i         (events_i.index),
    .tail_o         (event_tail_o),
    .room_o         (room),
    .claim_i        (claim),
    .valid_i        (event_valid),
    .event_i        (event_entry),
    .ready_o        (event_ready),
    .write_valid_o  (write_valid_o[2]),
    .write_address_o(write_address_o[2]),
    .write_data_o   (write_data_o[2]),
    .write_ready_i  (write_ready_i[2]),
    .pending_o      (pending),
    .idle_o         (events_idle)
  );

  assign irq_o  = pending && switches_i.interrupt_enable && rst_engine_n;
  assign idle_o = (ring_idle == '1) && scheduler_idle && (lane_idle == '1) &&
                  (receive_idle == '1) && events_idle;

endmodule
