/* gate: the one lock round netcdf-c and HDF5.
 *
 * Neither library may be entered by two threads at once, not even for different files.  Every call into them stands
 * between e5_gate_enter() and e5_gate_leave(); nothing else does.  Entering blocks; the gate is not recursive.
 * The first entry of each thread also switches HDF5's own error printing off, which is a setting per thread; leaving
 * empties the thread's list of HDF5's errors. */
#ifndef E5_IO_GATE_H
#define E5_IO_GATE_H

void e5_gate_enter(void);
void e5_gate_leave(void);

#endif
