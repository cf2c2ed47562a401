/** Small named values of the server itself: generated secrets, markers. */

export interface SettingRepository {
  get(name: string): string | undefined;
  put(name: string, value: string): Promise<void>;
}
