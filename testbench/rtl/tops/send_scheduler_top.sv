// The send scheduler of a node among four, for its bench. Verilator 5.006 makes code that does not
// compile from a rule that reads an array at the pins of the top; here these arrays are packed.

module send_scheduler_top
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [3:0]       node_i,
  input  logic [3:0]       epoch_i,
  input  logic [1:0]       valid_i,
  input  send_descriptor_t descriptor_i  [2],
  input  logic [1:0]       well_formed_i,
  input  logic [1:0][3:0]  destination_i,
  output logic [1:0]       take_o,
  input  logic [1:0][3:0]  path_down_i,
  input  logic [1:0]       lane_ready_i,
  input  logic [1:0]       lane_active_i,
  input  logic [1:0][3:0]  lane_destination_i,
  input  logic [1:0]       lane_class_i,
  input  logic [1:0]       lane_gave_up_i,
  output logic [1:0]       lane_valid_o,
  output job_t             job_o,
  input  logic             room_i,
  output logic             claim_o,
  output logic             event_valid_o,
  output event_entry_t     event_o,
  input  logic             event_ready_i,
  output logic             idle_o
);

  logic [3:0] destination [2], path_down [2], lane_destination [2];
  for (genvar i = 0; i < 2; i++) begin : gen_unpack
    assign destination[i]      = destination_i[i];
    assign path_down[i]        = path_down_i[i];
    assign lane_destination[i] = lane_destination_i[i];
  end

  send_scheduler #(
    .NumNodes(4)
  ) u_scheduler (
    .clk_i,
    .rst_ni,
    .node_i,
    .epoch_i,
    .valid_i,
    .descriptor_i,
    .well_formed_i,
    .destination_i     (destination),
    .take_o,
    .path_down_i       (path_down),
    .lane_ready_i,
    .lane_active_i,
    .lane_destination_i(lane_destination),
    .lane_class_i,
    .lane_gave_up_i,
    .lane_valid_o,
    .job_o,
    .room_i,
    .claim_o,
    .event_valid_o,
    .event_o,
    .event_ready_i,
    .idle_o
  );

endmodule
