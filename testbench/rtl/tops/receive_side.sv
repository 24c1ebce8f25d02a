// The receiving half of a node, for its bench: two receive lanes and the duplicate filter that they
// share. Everything else of the node is played by the bench.

module receive_side
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,
  input  logic [3:0]    node_i,
  input  bus_wires_t    wires_i         [2],
  output answer_e       answer_o        [2],
  input  line_address_t slot_base_i     [2],
  input  index_t        slot_mask_i     [2],
  input  index_t        slot_head_i     [2],
  output index_t        slot_tail_o     [2],
  output logic [1:0]    accept_o,
  output logic [1:0]    write_valid_o,
  output line_address_t write_address_o [2],
  output line_t         write_data_o    [2],
  input  logic [1:0]    write_ready_i,
  input  logic          room_i,
  output logic [1:0]    event_valid_o,
  output event_entry_t  event_o         [2],
  input  logic [1:0]    event_ready_i,
  output counts_t       counts_o        [2],
  output logic [1:0]    idle_o
);

  packet_header_t header [2];
  logic [1:0]     duplicate;

  for (genvar b = 0; b < 2; b++) begin : gen_lane
    receive_lane #(
      .Bus(bus_id_e'(b))
    ) u_lane (
      .clk_i,
      .rst_ni,
      .node_i,
      .wires_i        (wires_i[b]),
      .answer_o       (answer_o[b]),
      .slot_base_i    (slot_base_i[b]),
      .slot_mask_i    (slot_mask_i[b]),
      .slot_head_i    (slot_head_i[b]),
      .slot_tail_o    (slot_tail_o[b]),
      .header_o       (header[b]),
      .duplicate_i    (duplicate[b]),
      .accept_o       (accept_o[b]),
      .write_valid_o  (write_valid_o[b]),
      .write_address_o(write_address_o[b]),
      .write_data_o   (write_data_o[b]),
      .write_ready_i  (write_ready_i[b]),
      .room_i,
      .event_valid_o  (event_valid_o[b]),
      .event_o        (event_o[b]),
      .event_ready_i  (event_ready_i[b]),
      .counts_o       (counts_o[b]),
      .idle_o         (idle_o[b])
    );
  end

  duplicate_filter u_filter (
    .clk_i,
    .rst_ni,
    .header_i   (header),
    .duplicate_o(duplicate),
    .accept_i   (accept_o)
  );

endmodule
