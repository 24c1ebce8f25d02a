// Sending half of a message engine.
//
//               ┌───────────┐ control, data     ┌───────────┐    ┌────────────────┐──► bus X
//  node RAM ───►│ send rings├──────────────────►│           │───►│ transmit lane X│◄─┐ path table X
//   (read)      └────┬──────┘                   │   send    │    └────────────────┘  │ move
//     │              │ transfers                │ scheduler │    ┌────────────────┐◄─┘
//     │         ┌────▼──────┐ write, read       │           │───►│ transmit lane Y│──► bus Y
//     │         │bulk sender├──────────────────►│           │    └────────────────┘  path table Y
//     │         └───────────┘                   │           │            ▲
//     │  reads  ┌───────────┐ write             │           │            │
//     │  of ───►│read server├──────────────────►└───────────┘            │
//     │  others └───────────┘                                            │
//     └──────────────────────────── payload ─────────────────────────────┘
//
// The fate of a packet goes back to who posted it: as an event to the CPU, or to the bulk sender or
// the read server, which have events of their own.

module sender
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned NumNodes  = 4,
  parameter int unsigned RamBytes  = 262144,
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  /// The clock of what is sent, in the lanes: the packet streams.
  input  logic                 clk_streams_i,
  /// Low also while the engine is disabled.
  input  logic                 rst_ni,
  input  logic [3:0]           node_i,
  input  logic [3:0]           epoch_i,
  input  logic                 tick_i,
  input  limits_t              limits_i,
  input  path_limits_reg_t     path_limits_i,
  input  ring_t                send_i         [2],
  output index_t               send_head_o    [2],
  /// Paths, by bus.
  output nodes_t               path_suspect_o [2],
  output nodes_t               path_down_o    [2],
  input  nodes_t               path_restore_i [2],
  input  logic [3:0]           path_index_i,
  output path_x_reg_t          path_o         [2],
  /// Node RAM: X, Y, control ring, data ring.
  output logic [3:0]           read_valid_o,
  output line_address_t        read_address_o [4],
  input  logic [3:0]           read_ready_i,
  input  line_t                read_data_i,
  /// Questions to the window table: bulk sender, read server.
  output logic [1:0]           lookup_valid_o,
  output lookup_t              lookup_o       [2],
  input  logic [1:0]           lookup_ready_i,
  input  lookup_reply_t        lookup_reply_i,
  /// Remote reads that were accepted, by bus.
  input  logic [1:0]           read_take_valid_i,
  input  read_take_t           read_take_i    [2],
  output logic                 read_room_o,
  output logic                 serving_o,
  /// Entries of the event ring: lanes X and Y, scheduler, bulk sender, read server. Claims: the
  /// last three. Room, and room for those who go first: the read server.
  input  logic                 room_i,
  input  logic                 room_first_i,
  output logic [2:0]           claim_o,
  output logic [4:0]           event_valid_o,
  output event_entry_t         event_o        [5],
  input  logic [4:0]           event_ready_i,
  /// The buses.
  output logic [1:0]           request_control_o,
  output logic [1:0]           request_data_o,
  output logic [1:0]           valid_o,
  output logic [1:0]           last_o,
  output logic [DataWidth-1:0] data_o         [2],
  input  logic [1:0]           grant_i,
  input  answers_t             answers_i      [2],
  output counts_t              counts_o       [2],
  output logic                 waiting_o,
  /// See transmit_lane; sending_o by bus.
  output logic [1:0]           sending_o,
  output logic                 busy_o,
  output logic                 streams_busy_o,
  output logic                 idle_o
);

  // ---- Offers -------------------------------------------------------------------------------

  // Data ring, control ring; bulk sender; read server. By traffic class where there are two.
  logic [3:0] offer_valid, offer_take;
  offer_t     offer [4];
  logic [1:0] malformed, ring_busy, ring_idle;
  logic       bulk_busy, bulk_idle, server_busy, server_idle;

  /* verilator lint_off UNUSEDSIGNAL */  // the control ring has no transfers
  logic [1:0]       transfer_valid;
  send_descriptor_t transfer [2];
  /* verilator lint_on UNUSEDSIGNAL */
  logic [1:0]       transfer_take;
  fate_t            fate [3];

  for (genvar c = 0; c < 2; c++) begin : gen_ring
    // Control comes first, here and at node RAM.
    localparam int unsigned Place  = (c == 1) ? 0 : 1;
    localparam int unsigned Client = 2 + Place;
    send_ring #(
      .NumNodes(NumNodes),
      .RamBytes(RamBytes),
      .Class   (traffic_class_e'(c))
    ) u_send_ring (
      .clk_i,
      .rst_ni,
      .base_i          (send_i[c].base),
      .mask_i          (send_i[c].mask),
      .tail_i          (send_i[c].index),
      .head_o          (send_head_o[c]),
      .read_valid_o    (read_valid_o[Client]),
      .read_address_o  (read_address_o[Client]),
      .read_ready_i    (read_ready_i[Client]),
      .read_data_i,
      .valid_o         (offer_valid[Place]),
      .offer_o         (offer[Place]),
      .malformed_o     (malformed[Place]),
      .take_i          (offer_take[Place]),
      .transfer_valid_o(transfer_valid[c]),
      .transfer_o      (transfer[c]),
      .transfer_take_i (transfer_take[c]),
      .busy_o          (ring_busy[c]),
      .idle_o          (ring_idle[c])
    );
  end
  assign transfer_take[1] = 1'b0;

  bulk_sender u_bulk_sender (
    .clk_i,
    .rst_ni,
    .node_i,
    .busy_limit_i    (limits_i.busy),
    .transfer_valid_i(transfer_valid[0]),
    .transfer_i      (transfer[0]),
    .transfer_take_o (transfer_take[0]),
    .lookup_valid_o  (lookup_valid_o[0]),
    .lookup_o        (lookup_o[0]),
    .lookup_ready_i  (lookup_ready_i[0]),
    .lookup_reply_i,
    .valid_o         (offer_valid[2]),
    .offer_o         (offer[2]),
    .take_i          (offer_take[2]),
    .fate_i          (fate),
    .room_i,
    .claim_o         (claim_o[1]),
    .event_valid_o   (event_valid_o[3]),
    .event_o         (event_o[3]),
    .event_ready_i   (event_ready_i[3]),
    .busy_o          (bulk_busy),
    .idle_o          (bulk_idle)
  );

  read_server u_read_server (
    .clk_i,
    .rst_ni,
    .node_i,
    .take_valid_i    (read_take_valid_i),
    .take_i          (read_take_i),
    .ready_o         (read_room_o),
    .serving_o,
    .lookup_valid_o  (lookup_valid_o[1]),
    .lookup_o        (lookup_o[1]),
    .lookup_ready_i  (lookup_ready_i[1]),
    .lookup_reply_i,
    .valid_o         (offer_valid[3]),
    .offer_o         (offer[3]),
    .offer_take_i    (offer_take[3]),
    .fate_i          (fate),
    .room_i          (room_first_i),
    .claim_o         (claim_o[2]),
    .event_valid_o   (event_valid_o[4]),
    .event_o         (event_o[4]),
    .event_ready_i   (event_ready_i[4]),
    .busy_o          (server_busy),
    .idle_o          (server_idle)
  );

  // ---- Lanes --------------------------------------------------------------------------------

  logic [1:0]  lane_ready, lane_active, lane_class, lane_valid;
  logic [1:0]  lane_busy, stream_busy, lane_idle, lane_waiting;
  logic [1:0]  lane_data_ready, lane_wanted, parked, park_busy, park_idle;
  nodes_t      parked_held [2];
  nodes_t      lane_held [2], lane_settled [2];
  logic [15:0] lane_number [2];
  job_t        job;
  logic        scheduler_busy, scheduler_idle;

  send_scheduler #(
    .NumNodes(NumNodes)
  ) u_scheduler (
    .clk_i,
    .rst_ni,
    .node_i,
    .epoch_i,
    .valid_i       (offer_valid),
    .offer_i       (offer),
    .refuse_i      (malformed),
    .take_o        (offer_take),
    .suspect_i     (path_suspect_o),
    .down_i        (path_down_o),
    .lane_ready_i  (lane_ready),
    .lane_data_ready_i(lane_data_ready),
    .lane_active_i (lane_active),
    .lane_held_i   (lane_held),
    .lane_class_i  (lane_class),
    .lane_settled_i(lane_settled),
    .lane_number_i (lane_number),
    .parked_i      (parked),
    .parked_held_i (parked_held),
    .lane_wanted_o (lane_wanted),
    .lane_valid_o  (lane_valid),
    .job_o         (job),
    .room_i,
    .claim_o       (claim_o[0]),
    .event_valid_o (event_valid_o[2]),
    .event_o       (event_o[2]),
    .event_ready_i (event_ready_i[2]),
    .fate_o        (fate[2]),
    .busy_o        (scheduler_busy),
    .idle_o        (scheduler_idle)
  );

  logic [1:0] move_valid, move_ready;
  job_t       move_job [2];
  nodes_t     good [2], missing [2], corrupt [2];

  for (genvar b = 0; b < 2; b++) begin : gen_bus
    job_t started, yielded;
    pause_t pause, yielded_pause;
    logic starts, ready, yield, yields;

    send_park u_park (
      .clk_i,
      .rst_ni,
      .wanted_i    (lane_wanted[b] || move_valid[1-b]),
      .job_valid_i (lane_valid[b]),
      .job_i       (job),
      .ready_o     (lane_ready[b]),
      .data_ready_o(lane_data_ready[b]),
      .parked_o    (parked[b]),
      .held_o      (parked_held[b]),
      .job_valid_o (starts),
      .job_o       (started),
      .job_pause_o (pause),
      .ready_i     (ready),
      .yield_o     (yield),
      .yields_i    (yields),
      .grant_i     (grant_i[b]),
      .yielded_i   (yielded),
      .yielded_pause_i(yielded_pause),
      .busy_o      (park_busy[b]),
      .idle_o      (park_idle[b])
    );

    transmit_lane #(
      .NumNodes (NumNodes),
      .Bus      (bus_id_e'(b)),
      .DataWidth(DataWidth)
    ) u_transmit_lane (
      .clk_i,
      .clk_stream_i     (clk_streams_i),
      .rst_ni,
      .node_i,
      .epoch_i,
      .limits_i,
      .tick_i,
      .job_valid_i      (starts),
      .job_i            (started),
      .job_pause_i      (pause),
      .job_ready_o      (ready),
      .yield_i          (yield),
      .yields_o         (yields),
      .yielded_o        (yielded),
      .yielded_pause_o  (yielded_pause),
      .active_o         (lane_active[b]),
      .held_o           (lane_held[b]),
      .class_o          (lane_class[b]),
      .settled_o        (lane_settled[b]),
      .number_o         (lane_number[b]),
      .move_valid_o     (move_valid[b]),
      .move_job_o       (move_job[b]),
      .move_ready_i     (move_ready[1-b]),
      .move_valid_i     (move_valid[1-b]),
      .move_job_i       (move_job[1-b]),
      .move_ready_o     (move_ready[b]),
      .here_suspect_i   (path_suspect_o[b]),
      .here_down_i      (path_down_o[b]),
      .there_suspect_i  (path_suspect_o[1-b]),
      .there_down_i     (path_down_o[1-b]),
      .good_o           (good[b]),
      .missing_o        (missing[b]),
      .corrupt_o        (corrupt[b]),
      .read_valid_o     (read_valid_o[b]),
      .read_address_o   (read_address_o[b]),
      .read_ready_i     (read_ready_i[b]),
      .read_data_i,
      .request_control_o(request_control_o[b]),
      .request_data_o   (request_data_o[b]),
      .valid_o          (valid_o[b]),
      .last_o           (last_o[b]),
      .data_o           (data_o[b]),
      .grant_i          (grant_i[b]),
      .answers_i        (answers_i[b]),
      .event_valid_o    (event_valid_o[b]),
      .event_o          (event_o[b]),
      .event_ready_i    (event_ready_i[b]),
      .fate_o           (fate[b]),
      .counts_o         (counts_o[b]),
      .sending_o        (sending_o[b]),
      .busy_o           (lane_busy[b]),
      .stream_busy_o    (stream_busy[b]),
      .idle_o           (lane_idle[b])
    );
    assign lane_waiting[b] = request_control_o[b] || request_data_o[b];

    path_table #(
      .NumNodes(NumNodes)
    ) u_path_table (
      .clk_i,
      .rst_ni,
      .limits_i (path_limits_i),
      .good_i   (good[b]),
      .missing_i(missing[b]),
      .corrupt_i(corrupt[b]),
      .restore_i(path_restore_i[b]),
      .suspect_o(path_suspect_o[b]),
      .down_o   (path_down_o[b]),
      .index_i  (path_index_i),
      .entry_o  (path_o[b])
    );
  end

  assign waiting_o      = lane_waiting != '0;
  assign streams_busy_o = stream_busy != '0;
  assign busy_o         = (ring_busy != '0) || bulk_busy || server_busy || scheduler_busy ||
                          (lane_busy != '0) || (park_busy != '0) ||
                          ((counts_o[0] | counts_o[1]) != '0);
  assign idle_o         = (ring_idle == '1) && bulk_idle && server_idle && scheduler_idle &&
                          (lane_idle == '1) && (park_idle == '1);

endmodule
