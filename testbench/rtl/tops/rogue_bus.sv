// A bus with its nodes' fault points in front of it, for its benches: sixteen lanes, played by
// the bench. Beats are shown 64 bits wide whatever the bus.

module rogue_bus
  import xybus_pkg::*;
#(
  parameter int unsigned DataWidth = 32
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic [15:0] babble_i,
  input  logic [15:0] forge_i,
  input  logic [15:0] hold_i,
  input  logic [15:0] halted_i,
  input  logic [15:0] request_control_i,
  input  logic [15:0] request_data_i,
  input  logic [15:0] valid_i,
  input  logic [15:0] last_i,
  input  logic [63:0] data_i [16],
  /// As the lanes see it, and as the controller gave it.
  output logic [15:0] grant_o,
  output logic [15:0] bus_grant_o,
  output logic        valid_o,
  output logic        first_o,
  output logic        last_o,
  output logic [63:0] data_o,
  output logic        start_o,
  output logic [3:0]  source_o,
  output logic        offence_valid_o,
  output logic [1:0]  offence_o,
  output logic [3:0]  offender_o,
  output logic        idle_o
);

  logic [15:0]          request_control, request_data, valid, last;
  logic [DataWidth-1:0] lane_data [16], data [16], sent_data;
  strobes_t             sent;
  offence_t             offence;
  logic                 controller_idle, rogue_idle;

  for (genvar i = 0; i < 16; i++) begin : gen_lane
    assign lane_data[i] = data_i[i][DataWidth-1:0];
  end

  rogue_port #(
    .NumNodes (16),
    .DataWidth(DataWidth)
  ) u_rogue (
    .clk_i,
    .rst_ni,
    .babble_i,
    .forge_i,
    .hold_i,
    .request_control_i,
    .request_data_i,
    .valid_i,
    .last_i,
    .data_i           (lane_data),
    .grant_o,
    .request_control_o(request_control),
    .request_data_o   (request_data),
    .valid_o          (valid),
    .last_o           (last),
    .data_o           (data),
    .grant_i          (bus_grant_o),
    .idle_o           (rogue_idle)
  );

  bus_controller #(
    .NumNodes (16),
    .DataWidth(DataWidth)
  ) u_controller (
    .clk_i,
    .rst_ni,
    .halted_i,
    .request_control_i(request_control),
    .request_data_i   (request_data),
    .valid_i          (valid),
    .last_i           (last),
    .data_i           (data),
    .grant_o          (bus_grant_o),
    .strobes_o        (sent),
    .data_o           (sent_data),
    .start_o,
    .source_o,
    .offence_o        (offence),
    .idle_o           (controller_idle)
  );

  assign valid_o         = sent.valid;
  assign first_o         = sent.first;
  assign last_o          = sent.last;
  assign data_o          = 64'(sent_data);
  assign offence_valid_o = offence.valid;
  assign offence_o       = offence.offence;
  assign offender_o      = offence.offender;
  assign idle_o          = controller_idle && rogue_idle;

endmodule
