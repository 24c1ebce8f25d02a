// The send ring of control packets of a node among four, for its bench.

module send_ring_control
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic             clk_i,
  input  logic             rst_ni,
  input  line_address_t    base_i,
  input  index_t           mask_i,
  input  index_t           tail_i,
  output index_t           head_o,
  output logic             read_valid_o,
  output line_address_t    read_address_o,
  input  logic             read_ready_i,
  input  line_t            read_data_i,
  output logic             valid_o,
  output offer_t           offer_o,
  output logic             malformed_o,
  input  logic             take_i,
  output logic             transfer_valid_o,
  output send_descriptor_t transfer_o,
  input  logic             transfer_take_i,
  output logic             busy_o,
  output logic             idle_o
);

  send_ring #(
    .NumNodes(4),
    .RamBytes(262144),
    .Class   (TrafficClassControl)
  ) u_ring (
    .clk_i,
    .rst_ni,
    .base_i,
    .mask_i,
    .tail_i,
    .head_o,
    .read_valid_o,
    .read_address_o,
    .read_ready_i,
    .read_data_i,
    .valid_o,
    .offer_o,
    .malformed_o,
    .take_i,
    .transfer_valid_o,
    .transfer_o,
    .transfer_take_i,
    .busy_o,
    .idle_o
  );

endmodule
