// Receiving half of a message engine.
//
//   bus X ──►┌───────────────┐ accepted packets ┌──────────┐──► node RAM (write)
//   answer ◄─│ receive lane X├─────────────────►│ delivery │
//            └───────┬───────┘   ┌─────────────►│          │──► event ring
//                    │ duplicate │              └──────────┘
//                    │  filter   │
//   bus Y ──►┌───────┴───────┐   │     reads ──► read server
//   answer ◄─│ receive lane Y├───┘     questions ──► window table
//            └───────────────┘

module receiver
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  /// The lanes' and the duplicate filter's clock.
  input  logic                 clk_lanes_i,
  /// Low also while the engine is disabled.
  input  logic                 rst_ni,
  input  logic [3:0]           node_i,
  /// The buses: captured only.
  input  strobes_t             strobes_i       [2],
  input  logic [1:0]           deaf_i,
  input  logic [DataWidth-1:0] data_i          [2],
  output logic [1:0]           accepted_o,
  output logic [1:0]           busy_answer_o,
  output logic [1:0]           corrupt_o,
  output logic [1:0]           refused_o,
  /// Receive slots, by bus.
  input  ring_t                receive_i       [2],
  output index_t               receive_tail_o  [2],
  /// Questions to the window table, by bus; what the CPU posts to it.
  output logic [1:0]           lookup_valid_o,
  output lookup_t              lookup_o        [2],
  input  logic [1:0]           lookup_ready_i,
  input  lookup_reply_t        lookup_reply_i,
  input  window_post_t         post_i,
  /// Remote reads that are accepted, by bus; there is room for one from each.
  output logic [1:0]           read_take_valid_o,
  output read_take_t           read_take_o     [2],
  input  logic                 read_room_i,
  /// The event ring: claims by bus, and the event that delivery has.
  input  logic                 room_i,
  output logic [1:0]           claim_o,
  output logic                 event_valid_o,
  output event_entry_t         event_o,
  input  logic                 event_ready_i,
  /// Node RAM.
  output logic                 write_valid_o,
  output line_address_t        write_address_o,
  output line_t                write_data_o,
  output logic [15:0]          write_bytes_o,
  input  logic                 write_ready_i,
  /// A packet that was accepted is not yet in node RAM.
  output logic                 storing_o,
  output counts_t              counts_o        [2],
  /// The next edge changes something: of clk_i; of clk_lanes_i, whatever is on the wires.
  output logic                 busy_o,
  output logic                 lanes_busy_o,
  output logic                 idle_o
);

  packet_header_t header [2];
  logic [1:0]     duplicate, accept, delivery_valid, line_take, lane_busy, lane_idle;
  delivery_t      accepted [2];
  line_t          line [2];
  logic           delivery_ready, delivery_busy, delivery_idle;

  for (genvar b = 0; b < 2; b++) begin : gen_lane
    receive_lane #(
      .Bus      (bus_id_e'(b)),
      .DataWidth(DataWidth)
    ) u_receive_lane (
      .clk_i            (clk_lanes_i),
      .rst_ni,
      .node_i,
      .strobes_i        (strobes_i[b]),
      .deaf_i           (deaf_i[b]),
      .data_i           (data_i[b]),
      .answer_accepted_o(accepted_o[b]),
      .answer_busy_o    (busy_answer_o[b]),
      .answer_corrupt_o (corrupt_o[b]),
      .answer_refused_o (refused_o[b]),
      .slots_i          (receive_i[b]),
      .slot_tail_o      (receive_tail_o[b]),
      .header_o         (header[b]),
      .duplicate_i      (duplicate[b]),
      .accept_o         (accept[b]),
      .lookup_valid_o   (lookup_valid_o[b]),
      .lookup_o         (lookup_o[b]),
      .lookup_ready_i   (lookup_ready_i[b]),
      .lookup_reply_i,
      .post_i,
      .delivery_valid_o (delivery_valid[b]),
      .delivery_o       (accepted[b]),
      .delivery_ready_i (delivery_ready),
      .line_o           (line[b]),
      .line_take_i      (line_take[b]),
      .read_valid_o     (read_take_valid_o[b]),
      .read_o           (read_take_o[b]),
      .read_ready_i     (read_room_i),
      .room_i,
      .claim_o          (claim_o[b]),
      .counts_o         (counts_o[b]),
      .busy_o           (lane_busy[b]),
      .idle_o           (lane_idle[b])
    );
  end

  duplicate_filter u_duplicate_filter (
    .clk_i      (clk_lanes_i),
    .rst_ni,
    .header_i   (header),
    .duplicate_o(duplicate),
    .accept_i   (accept)
  );

  delivery u_delivery (
    .clk_i,
    .rst_ni,
    .valid_i        (delivery_valid),
    .delivery_i     (accepted),
    .ready_o        (delivery_ready),
    .line_i         (line),
    .line_take_o    (line_take),
    .write_valid_o,
    .write_address_o,
    .write_data_o,
    .write_bytes_o,
    .write_ready_i,
    .event_valid_o,
    .event_o,
    .event_ready_i,
    .storing_o,
    .busy_o         (delivery_busy),
    .idle_o         (delivery_idle)
  );

  assign busy_o       = (delivery_valid != '0) || delivery_busy || (claim_o != '0) ||
                        ((counts_o[0] | counts_o[1]) != '0);
  assign lanes_busy_o = (lane_busy != '0) || (line_take != '0);
  assign idle_o = (lane_idle == '1) && delivery_idle;

endmodule
