// The CPU's way into a node: registers, and node RAM behind them in the address map.
//
// One access at a time: a one-cycle request, and ready_o for one cycle when it is done, with the
// data of a read. A register takes two cycles here; RAM three or more, since the engine goes first.
// The request comes from registers of the free clock; it is only looked at by registers here.

`include "assertions.svh"

module cpu_port
  import xybus_contract_pkg::*;
  import xybus_pkg::*;
(
  input  logic          clk_i,
  input  logic          rst_ni,
  /// The CPU: byte address of a word; bit RamAddressBit selects RAM.
  input  logic          valid_i,
  input  logic          write_i,
  input  logic [20:0]   address_i,
  input  logic [31:0]   wdata_i,
  output logic          ready_o,
  output logic [31:0]   rdata_o,
  /// Registers: the access, and the data in the cycle after it.
  output logic          register_valid_o,
  output logic          register_write_o,
  output logic [11:0]   register_offset_o,
  output logic [31:0]   register_wdata_o,
  input  logic [31:0]   register_rdata_i,
  /// Node RAM, the lowest priority on both ports.
  output logic          read_valid_o,
  output logic          write_valid_o,
  output line_address_t line_address_o,
  output logic [15:0]   write_bytes_o,
  output line_t         write_data_o,
  input  logic          read_ready_i,
  input  logic          write_ready_i,
  input  line_t         read_data_i,
  output logic          idle_o
);

  typedef enum logic [2:0] {
    Idle,
    Register,
    RegisterData,
    Read,
    ReadData,
    Write,
    Done
  } state_e;

  state_e        state_q;
  logic          write_q;
  logic [19:0]   address_q;
  logic [31:0]   data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
      write_q   <= 1'b0;
      address_q <= '0;
      data_q    <= '0;
    end else begin
      unique case (state_q)
        Register: state_q <= RegisterData;
        Read:     if (read_ready_i) state_q <= ReadData;
        ReadData: begin
          state_q <= Done;
          data_q  <= read_data_i[32*address_q[3:2]+:32];
        end
        Write:    if (write_ready_i) state_q <= Done;
        default:  state_q <= Idle;
      endcase
      if (valid_i) begin
        state_q   <= !address_i[RamAddressBit] ? Register : write_i ? Write : Read;
        write_q   <= write_i;
        address_q <= address_i[19:0];
        data_q    <= wdata_i;
      end
    end
  end

  assign register_valid_o  = state_q == Register;
  assign register_write_o  = write_q;
  assign register_offset_o = address_q[11:0];
  assign register_wdata_o  = data_q;
  assign read_valid_o      = state_q == Read;
  assign write_valid_o     = state_q == Write;
  assign line_address_o    = address_q[19:4];
  assign write_bytes_o     = 16'h000f << {address_q[3:2], 2'd0};
  assign write_data_o      = {4{data_q}};
  assign ready_o           = (state_q == RegisterData) || (state_q == Done);
  assign rdata_o           = (state_q == RegisterData) ? register_rdata_i : data_q;
  assign idle_o            = state_q == Idle;

  // Rules.
  `XYBUS_RULE(OneAccessAtATime, !valid_i || (state_q == Idle) || ready_o)

endmodule
