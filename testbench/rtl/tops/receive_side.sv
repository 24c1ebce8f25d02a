// The receiving half of a node, for its bench. The slots of each bus have a port of their own,
// because Verilator 5.006 does not compile rules that read an array at the top.

module receive_side
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
#(
  parameter int unsigned DataWidth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic [3:0]           node_i,
  input  strobes_t             strobes_i       [2],
  input  logic [DataWidth-1:0] data_i          [2],
  output logic [1:0]           accepted_o,
  output logic [1:0]           busy_answer_o,
  output logic [1:0]           corrupt_o,
  output logic [1:0]           refused_o,
  input  ring_t                slots_x_i,
  input  ring_t                slots_y_i,
  output index_t               receive_tail_o  [2],
  output logic [1:0]           lookup_valid_o,
  output lookup_t              lookup_o        [2],
  input  logic [1:0]           lookup_ready_i,
  input  lookup_reply_t        lookup_reply_i,
  input  window_post_t         post_i,
  output logic [1:0]           read_take_valid_o,
  output read_take_t           read_take_o     [2],
  input  logic                 read_room_i,
  input  logic                 room_i,
  output logic [1:0]           claim_o,
  output logic                 event_valid_o,
  output event_entry_t         event_o,
  input  logic                 event_ready_i,
  output logic                 write_valid_o,
  output line_address_t        write_address_o,
  output line_t                write_data_o,
  output logic [15:0]          write_bytes_o,
  input  logic                 write_ready_i,
  output logic                 storing_o,
  output counts_t              counts_o        [2],
  output logic                 busy_o,
  output logic                 idle_o
);

  ring_t receive [2];
  assign receive[0] = slots_x_i;
  assign receive[1] = slots_y_i;

  logic busy, lanes_busy;
  assign busy_o = busy || lanes_busy;

  receiver #(
    .DataWidth(DataWidth)
  ) u_receiver (
    .clk_i,
    .clk_lanes_i      (clk_i),
    .rst_ni,
    .node_i,
    .strobes_i,
    .deaf_i           ('0),
    .data_i,
    .accepted_o,
    .busy_answer_o,
    .corrupt_o,
    .refused_o,
    .receive_i(receive),
    .receive_tail_o,
    .lookup_valid_o,
    .lookup_o,
    .lookup_ready_i,
    .lookup_reply_i,
    .post_i,
    .read_take_valid_o,
    .read_take_o,
    .read_room_i,
    .room_i,
    .claim_o,
    .event_valid_o,
    .event_o,
    .event_ready_i,
    .write_valid_o,
    .write_address_o,
    .write_data_o,
    .write_bytes_o,
    .write_ready_i,
    .storing_o,
    .counts_o,
    .busy_o           (busy),
    .lanes_busy_o     (lanes_busy),
    .idle_o
  );

endmodule
